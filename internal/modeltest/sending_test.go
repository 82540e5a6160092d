package modeltest_test

import (
	"net/http"
	"strings"
	"time"

	"github.com/authtrip/authtrip/nhn"
)

// The rules of requests on their way to the API.

// sendBegins is told of a request that is sent to the API.
func (m *model) sendBegins(c *caller, h http.Header) *sent {
	m.gaveUp()
	now := m.now()
	s := &sent{start: now, end: never}
	c.sends = append(c.sends, s)
	m.count["sends"]++
	first, second := h.Values(nhn.HeaderAuthentication), h.Values(nhn.HeaderAuthorization)
	if len(first) != 1 || len(second) != 1 || first[0] != second[0] || !strings.HasPrefix(first[0], "Bearer ") {
		m.breaks("no request without a token", "caller %d sends %d and %d token headers", c.id, len(first), len(second))
		return s
	}
	s.token = strings.TrimPrefix(first[0], "Bearer ")
	m.notes("caller %d sends with %s", c.id, name(s.token))
	t := m.tokens[s.token]
	if t == nil {
		m.breaks("no request without a token", "caller %d sends %s, which no server issued", c.id, name(s.token))
		return s
	}
	if m.closing != never && now > m.closing {
		m.breaks("nothing after Close", "caller %d sends", c.id)
	}
	if len(c.sends) == 1 {
		m.firstSend(c, t, now)
	} else {
		m.secondSend(c, s)
	}
	m.mayBeSent(c, t, now)
	return s
}

// firstSend: a caller waits for a token only when there is none, and not a
// moment longer than it has to.
func (m *model) firstSend(c *caller, t *token, now moment) {
	if now > c.start {
		m.count["waited"]++
	}
	m.waitedTooLong(c, c.start, now)
	m.waitedForSuspect(c, now)
	// A rejected token is replaced when that is known to help, before others
	// send it.
	if t.rejected != never && t.rejected < c.start && t.mustReplace && m.idle() && m.flight.end < t.rejected && m.mayCall(t.rejected) {
		m.breaks("suspect, compare, drop", "caller %d sends %s, which was rejected at %v, and no other was asked for", c.id, name(t.text), t.rejected)
	}
}

// secondSend: twice at most, and only for a rejection, with another token.
func (m *model) secondSend(c *caller, s *sent) {
	m.count["replays"]++
	first := c.sends[0]
	switch {
	case len(c.sends) > 2:
		m.breaks("twice at most", "caller %d sends for the third time", c.id)
	case !c.replayable():
		m.breaks("whole bodies", "caller %d sends again what cannot be sent again", c.id)
	case !first.rejected:
		m.breaks("twice at most", "caller %d sends again after status %d", c.id, first.status)
	case first.token == s.token:
		m.breaks("new token first", "caller %d sends again with the same token", c.id)
	}
	m.waitedTooLong(c, first.end, s.start-drainTime)
}

// waitedTooLong: whoever waits for a token goes on when there is one.
func (m *model) waitedTooLong(c *caller, since, now moment) {
	if now <= since || m.unsure {
		return
	}
	if t := c.had; t != nil && since == c.start && (t.rejected == never || t.rejected > since) && (t.dropped == never || t.dropped > since) {
		m.breaks("nobody waits beside a token", "caller %d had %s at %v, and waits", c.id, name(t.text), since)
	}
	if t := m.held; t != nil && t.arrived > since && t.arrived < now && t.rejected == never && t.dropped < t.arrived {
		m.breaks("everybody who waits is heard", "caller %d waits since %v, and %s came at %v", c.id, since, name(t.text), t.arrived)
	}
}

// waitedForSuspect: a rejected token that may still work is waited beside for a
// second, or a third of the fetch timeout if the request cannot be sent again.
func (m *model) waitedForSuspect(c *caller, now moment) {
	patience := attemptTime
	if (c.replayable() || c.body == getBodyFails && !c.noReplay) && !c.asks {
		patience = time.Second
	}
	if t := c.found; t != nil && t == m.held && m.usable(t, now+instant) && now > c.start+patience+instant {
		m.breaks("an odd rejection takes no token from anybody", "caller %d waits for %v beside %s", c.id, now-c.start, name(t.text))
	}
}

// heldFor is how long a token that was given again after its end is used.
const heldFor = time.Second

// mayBeSent: not after its end, which the client counts from before the
// question and the server from its answer; nor what was dropped.
func (m *model) mayBeSent(c *caller, t *token, now moment) {
	if t.life != forever && now >= t.expires && now > t.again+leastHold {
		m.breaks("no expired token", "caller %d sends %s, which ended at %v", c.id, name(t.text), t.expires)
	}
	// Whoever waited for a token sends it however old it came.
	if !m.usable(t, now-drainTime-instant) && now > t.again+drainTime && now >= t.again+heldFor {
		m.breaks("no expired token", "caller %d sends %s, which is %v old and may be used for %v", c.id, name(t.text), m.age(t, now), t.usableFor())
	}
	if t.dropped != never && c.start > t.dropped && t.asked < t.dropped {
		m.breaks("dropped is dropped", "caller %d sends %s, which was dropped at %v", c.id, name(t.text), t.dropped)
	}
}

// sendEnds is told what came of a sending.
func (m *model) sendEnds(c *caller, s *sent, res *http.Response, err error) {
	m.gaveUp()
	now := m.now()
	s.end, s.err = now, err
	if err != nil {
		m.notes("caller %d's request fails: %v", c.id, err)
		if !c.leftBy(now) {
			m.breaks("the world", "caller %d's request failed, which the schedule does not have: %v", c.id, err)
		}
		return
	}
	s.status, s.rejected = res.StatusCode, rejects(res)
	m.notes("caller %d is answered %d to %s", c.id, s.status, name(s.token))
	t := m.tokens[s.token]
	switch {
	case t == nil:
	case s.rejected:
		m.tokenRejected(c, t, now)
	case t == m.held:
		m.pause.accepted(now)
		if len(c.sends) == 2 {
			m.pause.ends(now, t.rejected != never && t.rejected < now)
		}
	}
}

func (m *model) tokenRejected(c *caller, t *token, now moment) {
	m.count["rejections"]++
	if len(c.sends) == 1 {
		c.need = now
		c.mayPause = m.pause.maybe || m.unsure
		c.mayFail = !m.mayCall(now)
	}
	if t != m.held {
		return
	}
	if t.rejected == never {
		t.rejected = now
		t.mustReplace = !m.pause.maybe && len(c.sends) == 1
	}
	if m.pause.maybe || len(c.sends) == 2 {
		m.pause.mayBegin(now)
	}
	if len(c.sends) == 1 { // what a replay finds causes nothing
		m.rejected, m.renewDelay, m.nextTry = now, 0, never
	}
}

// mayCall: nothing kept a token call from being made, then or since, and none
// failed since.
func (m *model) mayCall(then moment) bool { return m.outage < then && m.canCall(then) }

// canCall: nothing kept one from being made.
func (m *model) canCall(then moment) bool {
	return !m.circuit.open && m.circuit.wasOpen < then && m.refusal.until <= then && m.closing == never && !m.unsure
}
