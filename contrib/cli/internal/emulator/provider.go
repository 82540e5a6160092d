package emulator

import (
	"net/http"
	"time"

	"github.com/authtrip/authtrip/authtest"
)

// provider is one of the emulators, and what the page must know of it.
type provider interface {
	http.Handler
	Counts() authtest.Counts
	Tokens() []authtest.TokenInfo
	Break(authtest.Fault)
	Heal()
	SetLifetime(time.Duration)
	RevokeAll()
	Close()

	// token finds the token that a call carries; empty: none.
	token(http.Header) string
	// services are those with an address of their own.
	services() []service
	// guide says how to use the emulator at base, its services at those
	// addresses. A login that it needs goes through handler, so that the journal
	// has it.
	guide(base string, services map[string]string, handler http.Handler) guide
	// switches are those that this emulator alone has.
	switches() []ownSwitch
}

// service is a handler that wants an address of its own.
type service struct {
	name    string
	handler http.Handler
}

// ownSwitch is a switch of one emulator: a button in front of words.
type ownSwitch struct {
	Action, Button string
	// Says is what it does, in a sentence.
	Says string
	// Choice is what several switches decide together; of these the one thrown
	// last is on, the first to begin with. Empty: none.
	Choice string
	// throw does it.
	throw func()
	// done is what the page says then.
	done string
}
