package modeltest_test

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/authtrip/authtrip"
)

// The rules of callers: who waits, who fails, and what they get.

// callerBegins notes what must come of a caller that comes now.
func (m *model) callerBegins(c *caller) {
	m.gaveUp()
	now := m.now()
	c.id, c.start, c.need, c.got, c.end, c.ends = len(m.all), now, now, never, never, never
	if c.patience > 0 {
		c.ends = now + c.patience
	}
	m.all = append(m.all, c)
	m.callers = append(m.callers, c)
	m.count["callers"]++
	m.notes("caller %d comes", c.id)
	idle := m.idle() && !m.unsure
	t := m.held
	c.found = t
	switch {
	case m.closing != never:
		c.refused = "closed"
	case t != nil && m.usable(t, now+instant):
		if t.rejected == never && !m.unsure {
			c.had = t
			m.count["served"]++
			if idle && m.mustBeStale(t, now) && (m.flight.end == t.arrived || m.forgets(now)) && m.mustCall(now) && m.due == never {
				m.due = now
			}
		}
	case t != nil && m.usable(t, now-instant) || !idle || now < m.nextAsk:
	case m.circuit.open && !m.circuit.mayCall(now):
		c.refused = "circuit"
	case now < m.refusal.until:
		c.refused = "refusal"
	}
}

// mustCall: nothing keeps a token call from being made now.
func (m *model) mustCall(now moment) bool {
	return m.circuit.mustCall(now) && now >= m.refusal.until && m.closing == never
}

// settled is told when all that could happen at this instant has.
func (m *model) settled() {
	if m.due != never && m.flight.start < m.due && m.closing == never {
		m.breaks("stale tokens are renewed behind requests", "a request came at %v, and no token call was made", m.due)
	}
	m.due = never
}

// forgets: a renewal failed so long ago that another is due however often it
// did.
func (m *model) forgets(now moment) bool {
	return m.renewDelay > 0 && now-m.flight.end > 2*longest+10*time.Second
}

// callerEnds judges what a caller got. Shows tells a secret in an error.
func (m *model) callerEnds(c *caller, r result, shows func(error) string) {
	m.gaveUp()
	now := m.now()
	c.end = now
	m.notes("caller %d ends: status %d, %v", c.id, r.status, r.err)
	if c.ends != never && now > c.ends {
		m.breaks("nobody outlasts their context", "caller %d ends %v after its context", c.id, now-c.ends)
	}
	if r.err != nil {
		if what := shows(r.err); what != "" {
			m.breaks("no secret in sight", "caller %d's error shows %s", c.id, what)
		}
	}
	if c.refused != "" {
		m.atOnce(c, r, now)
	}
	if n := len(c.sends); m.closing != never && c.start <= m.closing && c.got == never && now > m.closing {
		if n == 0 || c.sends[n-1].end != never && c.sends[n-1].end < m.closing && now > m.closing+drainTime {
			m.breaks("nothing after Close", "caller %d waits on, until %v after Close", c.id, now-m.closing)
		}
	}
	switch {
	case r.err == nil && c.asks:
		m.tokenGiven(c, r, now)
	case r.err == nil:
		m.answered(c, r)
	case c.leftBy(now) && c.endOf(r.err):
		m.count["left"]++
	default:
		m.failed(c, r.err, now)
	}
}

// atOnce: a caller that no token can be had for is told at once.
func (m *model) atOnce(c *caller, r result, now moment) {
	var said *authtrip.ServerError
	ok := m.closing == now && errors.Is(r.err, authtrip.ErrClosed) || errors.Is(r.err, authtrip.ErrCircuitOpen) || errors.As(r.err, &said)
	switch c.refused {
	case "closed":
		ok = errors.Is(r.err, authtrip.ErrClosed)
	case "circuit":
		m.count["refusedAtOnce"]++
	}
	if !ok || len(c.sends) > 0 || now > c.start {
		m.breaks("who can have no token is told at once", "caller %d (%s) is told %v later: %v", c.id, c.refused, now-c.start, r.err)
	}
}

func (m *model) tokenGiven(c *caller, r result, now moment) {
	t := m.tokens[r.token.AccessToken()]
	if t == nil {
		m.breaks("no request without a token", "caller %d gets %s, which no server issued", c.id, name(r.token.AccessToken()))
		return
	}
	m.waitedTooLong(c, c.start, now)
	m.mayBeSent(c, t, now)
}

// answered judges a response: it is the last one, whole, and there was no
// better.
func (m *model) answered(c *caller, r result) {
	if len(c.sends) == 0 {
		m.breaks("no request without a token", "caller %d gets a response and sent nothing", c.id)
		return
	}
	last := c.sends[len(c.sends)-1]
	switch {
	case r.status != last.status:
		m.breaks("new token first", "caller %d gets %d, the last response was %d", c.id, r.status, last.status)
	case !c.whole(r):
		m.breaks("whole responses", "caller %d gets %d bytes of a body that is another", c.id, len(r.body))
	case r.rejected != last.rejected:
		m.breaks("Rejected tells", "it says %v of caller %d's response", r.rejected, c.id)
	}
	if r.status == http.StatusOK {
		m.count["accepted"]++
	}
	if !last.rejected || len(c.sends) == 2 {
		return
	}
	first := c.sends[0].end
	if !c.replayable() {
		m.count["unreplayed"]++
		return
	}
	if c.mayPause {
		m.count["paused"]++
		return
	}
	// A flight that began before the token was first rejected does not answer for
	// it.
	t := m.tokens[last.token]
	if t == nil { // which the sending has told
		return
	}
	asOf := t.rejected
	if !c.mayFail && (m.outage < first || m.outageFrom < asOf) && m.canCall(first) {
		m.breaks("rejected requests are sent again", "caller %d got its rejection at %v, and nothing spoke against another token", c.id, first)
	}
}

// failed judges an error that is not the caller's own end: each kind has a
// reason that was seen.
func (m *model) failed(c *caller, err error, now moment) {
	switch {
	case c.got != never:
		m.breaks("whole responses", "caller %d could not read its response: %v", c.id, err)
		return
	case len(c.sends) > 0:
		m.breaks("new token first", "caller %d had a response, and gets an error: %v", c.id, err)
		return
	case c.had != nil && m.closing == never && (c.had.rejected == never || c.had.rejected > c.start) && (c.had.dropped == never || c.had.dropped > c.start):
		m.breaks("nobody waits beside a token", "caller %d had %s, and fails: %v", c.id, name(c.had.text), err)
	}
	m.count["errors"]++
	m.waitedTooLong(c, c.start, now)
	m.waitedForSuspect(c, now)
	if t := c.found; t != nil && t == m.held && m.closing == never && m.usable(t, now+instant) {
		m.breaks("an odd rejection takes no token from anybody", "caller %d fails, and there is %s: %v", c.id, name(t.text), err)
	}
	if f := m.flight; f.repeats && m.closing == never && c.start <= f.start {
		m.breaks("passing trouble is tried again", "caller %d fails after %d attempts: %v", c.id, f.calls, err)
	}
	var said *authtrip.ServerError
	known := false
	switch {
	case errors.Is(err, authtrip.ErrClosed):
		known = m.closing != never
	case errors.Is(err, authtrip.ErrCircuitOpen):
		wait, ok := authtrip.RetryAfter(err)
		t, isTimeout := errors.AsType[interface {
			error
			Timeout() bool
		}](err)
		known = (m.circuit.open || m.circuit.wasOpen >= c.start) && ok && wait > 0 && wait <= longest && !(isTimeout && t.Timeout())
	case errors.As(err, &said):
		at, seen := m.said[said.Status]
		known = seen && (at >= c.start || m.refusal.until >= c.start)
	case errors.Is(err, context.DeadlineExceeded):
		known = m.timedOut >= c.start
	default:
		known = m.cutOff >= c.start
	}
	if !known {
		m.breaks("errors say what happened", "caller %d, there since %v: %v", c.id, now-c.start, err)
	}
}

// drops is told that a token is about to be dropped.
func (m *model) drops(text string) {
	now := m.now()
	if m.held == nil || m.held.text != text {
		return
	}
	m.notes("%s is dropped", name(text))
	m.held.dropped, m.stirred, m.nextAsk = now, now, never
	m.held = nil
	m.count["drops"]++
}

// suspect is told that a token is about to be told to be suspect.
func (m *model) suspect(text string) {
	now := m.now()
	if m.held == nil || m.held.text != text {
		return
	}
	m.notes("%s is told to be suspect", name(text))
	if m.held.rejected == never {
		m.held.rejected, m.held.mustReplace = now, !m.pause.maybe
	}
	m.pause.mayBegin(now)
	m.rejected, m.stirred = now, now
	m.renewDelay, m.nextTry = 0, never
	m.count["suspicions"]++
}

// patienceOfAll is longer than any caller without a context waits.
const patienceOfAll = 2 * time.Minute
