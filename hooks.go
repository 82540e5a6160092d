package authtrip

// Hooks are told what happens out of a caller's sight. Each may be nil, is
// called outside all locks from whatever goroutine it happened on, and must
// return quickly. None is ever given a secret.
type Hooks struct {
	// NotReplayed: a response rejected its token and was handed to the caller
	// because no other token could be had, or the request could not be sent
	// twice; why says which.
	NotReplayed func(registration string, why error)
}
