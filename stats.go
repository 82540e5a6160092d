package authtrip

import "time"

// Stats are what [Source.Stats] returns.
type Stats struct {
	Registration string // its ID
	Server       string // scheme, host and port of the token endpoint

	// Token is "none", "fresh", "stale" (it is sent, and about to be renewed),
	// "rejected" (a server rejected it, and no better one was had), or "expired".
	Token string
	// Age is the time since the token was asked for, Left that until it is not
	// used any more; both are 0 with none, and Left is negative if the server gave
	// no figure.
	Age, Left time.Duration

	// What the registration, with all its users and scopes, did so far.

	TokenCalls  uint64 // that were made, logins too; attempts of one count as one
	Failures    uint64 // of them, those that brought no token
	Stored      uint64 // tokens that the Store had
	Rejections  uint64 // of tokens: by responses, and told by Suspect
	Replays     uint64 // requests that were sent again
	NotReplayed uint64 // rejecting responses that were handed on instead

	// Circuit is the state of the server's circuit breaker: "closed", "open", also
	// when a probe is due and nobody needs one, or "half-open" while it is made.
	Circuit string
}

// Stats returns plain numbers for a health page; in JSON its durations are
// nanoseconds. They are read one by one: while
// requests go on they need not fit each other to the last. It does no I/O, begins
// no token call, and works after Close.
func (s *Source) Stats() Stats {
	if s == nil || s.client == nil {
		return Stats{Token: "none"}
	}
	c := s.client
	e := &c.own
	if c.users {
		e = c.manager.tokens.findBy(s.hash, c, s.principal, nil)
	}
	n := new(counts)
	if r := c.rare.Load(); r != nil {
		n = &r.counts
	}
	stats := Stats{
		Registration: c.ID, Server: c.server, Token: "none", Circuit: c.breaker.state(),
		TokenCalls: n.tokenCalls.Load(), Failures: n.failures.Load(), Stored: n.stored.Load(),
		Rejections: n.rejections.Load(), Replays: n.replays.Load(), NotReplayed: n.notReplayed.Load(),
	}
	if e == nil {
		return stats
	}
	t, now := e.current.Load(), readClocks()
	if t == nil {
		return stats
	}
	stats.Age, stats.Left = now.since(t.at), t.left(now)
	if t.usableFor == forever {
		stats.Left = -1
	}
	e.mu.Lock()
	rejected := t.noted().standing != good || e.past().rejectedToo
	e.mu.Unlock()
	switch {
	case !t.usable(now):
		stats.Token = "expired"
	case rejected:
		stats.Token = "rejected"
	case t.young(now):
		stats.Token = "fresh"
	default:
		stats.Token = "stale"
	}
	return stats
}
