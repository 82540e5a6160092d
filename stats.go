package authtrip

import "time"

// Stats are what [Source.Stats] returns.
type Stats struct {
	Registration string // its ID
	Server       string // scheme, host and port of the token endpoint

	// Token is "none", "fresh", "stale" (it is sent, and about to be renewed),
	// "rejected" (a server rejected it, and no other was had yet), or "expired".
	Token string
	// Age is the time since the token was asked for, Left that until it is not
	// used any more; both are 0 with none, and Left is negative if the server gave
	// no figure.
	Age, Left time.Duration

	// What the registration, with all its users and scopes, did so far.

	TokenCalls  uint64 // that were made; attempts of one count as one
	Failures    uint64 // of them, those that brought no token
	Shared      uint64 // tokens that another process had got
	Rejections  uint64 // responses that rejected a token
	Replays     uint64 // requests that were sent again
	NotReplayed uint64 // rejecting responses that were handed on instead

	// Circuit is the state of the server's circuit breaker: "closed", "open" or
	// "half-open".
	Circuit string
}
