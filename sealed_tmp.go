package authtrip

type unreadable struct{ why string }

func (e *unreadable) Error() string { return e.why }
