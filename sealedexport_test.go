package authtrip

import "errors"

// Over is a Store that seals what it keeps in another.
func (e Encryption) Over(store Store) (Store, error) { return e.over(store) }

// Unreadable reports whether a sealed record is there and cannot be opened.
func Unreadable(err error) bool {
	_, ok := errors.AsType[*unreadable](err)
	return ok
}
