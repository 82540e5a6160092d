//go:build !unix

package session

// trust has no owners to look at.
func trust(string) error { return nil }
