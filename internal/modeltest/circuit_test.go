package modeltest_test

import (
	"net/http"
	"time"
)

// answer is what a token call came to.
type answer struct {
	token      string
	life       time.Duration // that the client is told; forever when it is not
	left       time.Duration // that the server knows
	status     int           // 0: none came
	retryAfter time.Duration
	readable   bool // it is JSON
}

func (a answer) failed() bool  { return a.token == "" }
func (a answer) passing() bool { return a.status == 0 || a.status >= 500 }

// alive: it is an answer of an authorization server that works.
func (a answer) alive() bool { return !a.passing() && a.readable }

// repeatable: the same flight may ask again.
func (a answer) repeatable() bool { return a.failed() && a.passing() && a.retryAfter == 0 }

// circuit is the circuit breaker: five failures in a row open it, then there is
// one probe after 1 s, 2 s, … 10 s.
type circuit struct {
	failures   int
	open       bool
	since      moment
	delay      time.Duration
	retryAfter moment // what a 503 asked for
	openings   int
	wasOpen    moment // until then it was open; never
}

// mayCall: with all jitter in favour of a call.
func (c *circuit) mayCall(now moment) bool { return !c.open || now >= c.since+c.delay*9/10 }

// mustCall: with all jitter against it.
func (c *circuit) mustCall(now moment) bool {
	return !c.open || now >= c.since+min(c.delay*11/10, 10*time.Second) && now >= c.retryAfter
}

func (c *circuit) ends(now moment, a answer) {
	if a.status == http.StatusServiceUnavailable {
		c.retryAfter = max(c.retryAfter, now+min(a.retryAfter, time.Minute))
	}
	switch {
	case !a.failed(), a.alive() && c.open:
		if c.open {
			c.wasOpen = now
		}
		*c = circuit{openings: c.openings, wasOpen: c.wasOpen, retryAfter: never}
	case a.alive():
	case c.open: // it was the probe
		c.since, c.delay = now, min(2*c.delay, 10*time.Second)
		c.openings++
	default:
		if c.failures++; c.failures == 5 {
			c.open, c.since, c.delay = true, now, time.Second
			c.openings++
		}
	}
}

// memory is of failures that a repetition would not mend: for as long as the
// server says, else 1 s doubling to 60 s.
type memory struct {
	until moment
	delay time.Duration
}

func (m *memory) ends(now moment, a answer) {
	switch {
	case !a.failed():
		*m = memory{until: never}
	case a.passing():
		if a.retryAfter > 0 {
			m.until = now + min(a.retryAfter, time.Minute)
		}
	default:
		m.delay = min(max(time.Second, 2*m.delay), longest)
		m.until = now + m.delay
		if a.retryAfter > 0 {
			m.until = now + a.retryAfter
		}
	}
}

// pause is the time in which nothing is reissued, since a reissue has just been
// made: 1 s doubling to 60 s. An accepted replay ends it.
type pause struct {
	until  moment
	length time.Duration
	cut    moment // when an accepted replay ended one although its token was rejected too
	// maybe says that there may be one, as far as the model knows: it forgives
	// a rejection that is not acted upon, and until does not.
	maybe bool
	last  moment // of what may have begun one or made one longer
}

func (p *pause) begins(now moment) {
	p.mayBegin(now)
	if now < p.until {
		return
	}
	if now-p.until > longest {
		p.length = 0
	}
	p.length = min(max(time.Second, 2*p.length), longest)
	p.until = now + p.length
}

func (p *pause) mayBegin(now moment) { p.maybe, p.last = true, now }

// ends is told of an accepted replay.
func (p *pause) ends(now moment, rejectedToo bool) {
	if rejectedToo {
		if now-p.cut < time.Second {
			return
		}
		if now < p.until {
			p.cut = now
		}
	} else {
		p.maybe = false
	}
	p.until, p.length = min(p.until, now), 0
}

// accepted is told of any request that was accepted.
func (p *pause) accepted(now moment) {
	if now-p.last > 2*longest+time.Second {
		p.maybe = false
	}
}
