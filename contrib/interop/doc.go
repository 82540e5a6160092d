// Package interop holds no code: its tests run authtrip against an
// authorization server that others wrote, github.com/ory/fosite, over real
// sockets, in a module of its own so that authtrip does not depend on it.
package interop
