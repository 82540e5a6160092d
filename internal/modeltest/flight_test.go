package modeltest_test

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// cause is why a flight begins.
type cause string

const (
	nobody  cause = ""
	want    cause = "there is no token"
	renewal cause = "the token is stale"
	reissue cause = "the token was rejected"
)

// flight is one token call with its repetitions.
type flight struct {
	start, end moment // end is of the last call
	calls      int
	cause      cause
	repeats    bool // it may ask again
}

// call is one request to the token endpoint.
type call struct {
	ctx    context.Context
	start  moment
	wallAt time.Duration // model.wall then
	over   bool
}

// callBegins is told of a request to the token endpoint.
func (m *model) callBegins(ctx context.Context) *call {
	now := m.now()
	m.gaveUp()
	if m.live != nil && !m.live.over {
		m.breaks("one flight", "a token call begins while another is under way")
	}
	m.count["tokenCalls"]++
	c := &call{ctx: ctx, start: now, wallAt: m.wall}
	m.live = c
	switch {
	case m.closed != never, m.closing != never && m.closing < now:
		m.breaks("nothing after Close", "a token call begins")
	case !m.circuit.mayCall(now):
		m.breaks("circuit", "a token call begins %v after the circuit opened, which waits %v", now-m.circuit.since, m.circuit.delay)
	case now < m.refusal.until:
		m.breaks("refusals are remembered", "a token call begins %v too early", m.refusal.until-now)
	}
	f := &m.flight
	if f.repeats && f.calls < attempts && now-f.end <= 100*time.Millisecond<<(f.calls-1) && now-f.start <= fetchTimeout {
		f.calls++
		f.repeats = false
		m.notes("token call, attempt %d", f.calls)
		return c
	}
	why := m.cause(now)
	if why == nobody {
		m.breaks("no call without a need", "a token call begins: the token in use is %s, rejected at %v; the last flight was from %v to %v (%s); pause until %v, renewals from %v",
			m.describeHeld(now), m.rejected, f.start, f.end, f.cause, m.pause.until, m.nextTry)
	}
	m.notes("token call: %s", why)
	m.flight = flight{start: now, end: now, calls: 1, cause: why}
	m.count["flights"]++
	if why == reissue {
		m.count["reissues"]++
	} else if why == renewal {
		m.count["renewals"]++
	}
	return c
}

// idle: no flight is under way.
func (m *model) idle() bool { return (m.live == nil || m.live.over) && !m.flight.repeats }

// gaveUp ends a call whose time is over: the flight goes on at that instant,
// and the transport may tell later.
func (m *model) gaveUp() {
	if m.live != nil && !m.live.over && m.live.ctx.Err() != nil {
		m.callEnds(m.live, answer{})
	}
}

// cause says what justifies a flight that begins now.
func (m *model) cause(now moment) cause {
	last := m.flight
	rejected := m.held != nil && m.rejected != never &&
		(m.rejected >= last.end || last.cause != reissue && m.rejected >= last.start || m.stirred >= last.start)
	asks, begins := false, false
	m.callers = slices.DeleteFunc(m.callers, func(c *caller) bool { return c.end != never && c.end != now })
	for _, c := range m.callers {
		// Whoever came before the last flight ended was answered by it, unless
		// something happened to the token meanwhile.
		asks = asks || c.need >= last.end || rejected || m.stirred >= last.start
		begins = begins || c.start == now
	}
	switch {
	case !asks:
		return nobody
	case m.unsure:
		return want
	case (m.held == nil || !m.usable(m.held, now+instant)) && now >= m.nextAsk:
		return want
	case m.held != nil && m.mayBeStale(m.held, now) && now >= m.nextTry && begins:
		return renewal
	case rejected && now >= m.pause.until:
		return reissue
	case m.held != nil && m.held.rejected != never && last.start >= m.held.rejected && now >= m.nextTry && begins:
		return renewal // it was to be replaced, and no other could be had: it is as good as stale
	}
	return nobody
}

// callEnds is told what a token call came to, the first time.
func (m *model) callEnds(c *call, a answer) {
	if c.over {
		return
	}
	c.over = true
	now := m.now()
	f := &m.flight
	f.end = now
	if m.closing != never {
		return
	}
	switch {
	case c.ctx.Err() != nil:
		m.timedOut = now
		m.count["timeouts"]++
		if now-c.start < attemptTime-instant && now-f.start < fetchTimeout-instant {
			m.breaks("a caller's end ends no flight", "a token call is given up after %v", now-c.start)
		}
	case a.status == 0:
		m.cutOff = now
	default:
		m.said[a.status] = now
	}
	if now-c.start > attemptTime+instant {
		m.breaks("calls are bounded", "a token call took %v", now-c.start)
	}
	opened := m.circuit.openings
	m.circuit.ends(now, a)
	m.refusal.ends(now, a)
	if m.circuit.openings > opened {
		m.notes("the circuit opens for %v", m.circuit.delay)
		m.count["openings"]++
	}
	m.notes("token call brings %s, status %d", name(a.token), a.status)
	if a.failed() {
		m.count["failures"]++
		if now < m.refusal.until {
			m.count["refusals"]++
		}
		m.outage, m.outageFrom = now, f.start
		f.repeats = a.repeatable() && f.calls < attempts && !m.circuit.open && now-f.start < fetchTimeout-instant
		if !f.repeats {
			m.flightFails(now)
		}
		return
	}
	f.repeats = false
	m.arrives(now, c, a)
}

// flightFails: while there is a token, the next try is later, ever more.
func (m *model) flightFails(now moment) {
	if m.held == nil || !m.usable(m.held, now) {
		return
	}
	if m.renewDelay == 0 {
		m.renewDelay = min(time.Second, (m.held.usableFor()-m.age(m.held, now))/10)
	} else {
		m.renewDelay = min(2*m.renewDelay, longest)
	}
	m.nextTry = now + m.renewDelay*9/10
}

// leastHold is how long a token that was given again is used at least.
const leastHold = 100 * time.Millisecond

// arrives is told that a call brought a token.
func (m *model) arrives(now moment, c *call, a answer) {
	m.renewDelay = 0
	t := m.tokens[a.token]
	if t == nil {
		t = &token{text: a.token, expires: now + a.left, rejected: never, dropped: never, arrived: never}
		m.tokens[a.token] = t
	}
	t.asked, t.again = m.flight.start, now
	old := m.held
	reissued := old != nil && m.stirred < m.flight.start && (m.flight.cause == reissue || old.mustReplace && old.rejected < m.flight.start)
	if m.held != nil && m.rejected != never || m.unsure {
		m.pause.mayBegin(now)
	}
	switch {
	case t == m.held:
		m.count["same"]++
		m.outage, m.outageFrom = now, m.flight.start
		wait := time.Second
		if left := t.usableFor() - m.age(t, now); t.life != forever {
			wait = max(wait, left/2)
			m.nextTry = now + wait
		} else {
			m.nextTry = forever / 2
		}
		if !m.usable(t, now) {
			if a.life != forever { // and it says how long it is good still
				wait = min(wait, max(leastHold, a.life-(now-c.start)))
			}
			m.nextAsk = now + wait
		}
	case t.dropped >= m.flight.start:
		m.unsure = m.unsure || t.dropped == m.flight.start
		m.notes("%s was dropped meanwhile", name(t.text))
		m.outage, m.outageFrom = now, m.flight.start
		return
	case m.unsure && t.arrived != never: // it may be the one in use
		m.outage, m.outageFrom = now, m.flight.start
		return
	default:
		if t.arrived != never { // a token that was dropped
			m.outage, m.outageFrom = now, m.flight.start
		}
		m.unsure = false
		m.held = t
		t.at, t.wallAt, t.life, t.arrived, t.rejected, t.mustReplace = c.start, c.wallAt, a.life, now, never, false
		m.rejected, m.nextTry, m.nextAsk = never, never, never
	}
	if reissued {
		m.pause.begins(now)
	}
}

func (m *model) describeHeld(now moment) string {
	if m.held == nil {
		return "none"
	}
	return fmt.Sprintf("%s (age %v of %v)", name(m.held.text), m.age(m.held, now), m.held.life)
}
