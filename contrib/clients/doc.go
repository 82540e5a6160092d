// Package clients holds no code: its tests run authtrip together with clients
// and transports that programs already have, in a module of its own so that
// authtrip depends on none of them.
package clients
