package authtrip

import (
	"errors"
	"time"
)

// What a flight begins from and what it leaves behind. All of it runs under
// entry.mu.

// outcome is what a flight brought: a token or an error.
type outcome struct {
	token *issued
	err   error
	asOf  uint64 // entry.rejections when the flight began

	// How the token was had, for who is told of it: from the Store, or it is the
	// one that was in use, or another process is renewing that. madeDo is what the
	// call failed by where there is one all the same.
	stored, unchanged, deferred bool
	madeDo                      error
}

// errSuperseded: the flight brought a token that was dropped meanwhile.
var errSuperseded = errors.New("superseded")

// failure is a failure that is remembered on purpose, so that a wrong secret
// does not hammer the server.
type failure struct {
	err   error
	until int64 // monotonic
	delay time.Duration
}

// begin says what a flight has to do for n: nothing, when the token in use needs
// no successor any more, or when there was a flight for n already, which whoever
// comes a moment late would repeat.
func (e *entry) begin(n need) (done *issued, asOf uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t, now := e.current.Load(), readClocks()
	switch {
	case t == nil:
	case t.young(now),
		n == need{} && t.usable(now) && t.noted().standing != suspect,
		n.unwanted == t.token() && n.answered < e.past().answered:
		done = t
	}
	return done, e.past().rejections
}

// received settles a flight that brought a token. Owing says that the Store has
// not taken what came with it.
func (e *entry) received(asOf uint64, sentAt instant, reply *tokenReply, owing bool) outcome {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := readClocks()
	cur, past := e.current.Load(), e.past()
	e.settled()
	switch {
	case e.client.manager.closed():
		return outcome{err: ErrClosed, asOf: asOf}
	case cur != nil && cur.token() == reply.token && !(e.client.believes(reply) && !cur.usable(now)):
		return outcome{token: e.sameAgain(asOf, now, cur, sentAt, reply.lifetime), asOf: asOf, stored: reply.stored, unchanged: true}
	case asOf < past.droppedAt && past.hadDropped(reply.token):
		return outcome{err: errSuperseded, asOf: asOf}
	}
	// One from the Store that nobody asked for because of a rejection may be as
	// dead as the rejected one: it begins no pause.
	anew := !reply.stored || reply.reissued
	reissued := cur != nil && cur.noted().standing != good && asOf >= past.rejections && anew
	if reissued {
		e.note().pause.start(now)
	}
	if h := e.history; h != nil {
		h.reissued, h.rejectedToo, h.unseen = reissued, false, false
	}
	return outcome{token: e.install(sentAt, reply, reissued && !past.unseen, owing), asOf: asOf, stored: reply.stored}
}

// install makes the token of a reply the one in use.
func (e *entry) install(sentAt instant, reply *tokenReply, unproven, owing bool) *issued {
	t := newIssued(reply.token, e.client.RawToken, sentAt)
	t.ages(reply.lifetime, e.client.manager.policy.RenewAt, e.client.manager.policy.RenewSpread)
	if reply.usable {
		t.usableFor = reply.lifetime
	}
	if reply.stored {
		t.used.Store(readClocks().mono)
	}
	n := notes{unproven: unproven}
	if owing {
		n.nextTry = sentAt.mono + int64(min(t.freshFor, maxLifetime))
		t.freshFor, n.freshOnceSaved = 0, t.freshFor
	}
	before := e.current.Load()
	if h := e.history; h != nil {
		h.keptRejected, h.keptAccepted = false, false
		if before == nil {
			before = h.last
		}
		h.last = nil
	}
	if before != nil {
		if until := before.end(e.client.manager.policy.FetchTimeout); sentAt.mono < until {
			n.previous, n.previousUntil = before.header[0], until
		}
	}
	if n != (notes{}) {
		t.notes = &n
	}
	e.current.Store(t)
	return t
}

// forgetPrevious forgets the token before the one in use, which has expired.
func (e *entry) forgetPrevious(now instant) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if t := e.current.Load(); t != nil && t.hasOutlived(now) {
		e.current.Store(t.with(func(n *notes) { n.previous, n.previousUntil = "", 0 }))
	}
}

// saved makes a token fresh that was not for what had to be saved.
func (e *entry) saved() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if t := e.current.Load(); t != nil && t.noted().freshOnceSaved > 0 {
		fresh := t.with(func(n *notes) { n.freshOnceSaved = 0 })
		fresh.freshFor = t.notes.freshOnceSaved
		e.current.Store(fresh)
	}
}

// adopt takes the token of a new login, which nothing that came before says
// anything about.
func (e *entry) adopt(sentAt instant, reply *tokenReply, owing bool) outcome {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.client.manager.closed() {
		return outcome{err: ErrClosed}
	}
	if e.history != nil || e.current.Load() != nil {
		e.forgetTrouble()
		h := e.note()
		h.rejections++
		h.reissued, h.rejectedToo = false, false
	}
	return outcome{token: e.install(sentAt, reply, false, owing)}
}

// had reports whether token is in use, or was dropped: another is wanted.
func (e *entry) had(token string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	cur := e.current.Load()
	past := e.past()
	return cur != nil && cur.token() == token || past.hadDropped(token)
}

// hasDropped reports whether token was dropped outright.
func (e *entry) hasDropped(token string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	past := e.past()
	return past.hadDropped(token)
}

// gaveUp reports whether no more is expected of token: here, where it was
// dropped, or for good, since it was rejected, kept for want of another, and
// rejected again before any server accepted it.
func (e *entry) gaveUp(token string) (here, forGood bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	cur := e.current.Load()
	past := e.past()
	forGood = past.keptRejected && cur != nil && cur.token() == token
	return forGood || past.hadDropped(token), forGood
}

// leastHold is how long a token is used that the server gave again at its end,
// so that whoever waited has it. With no time left, which in whole seconds is
// less than one, it doubles, up to a second: a server that goes on so must not
// be asked without bound.
const leastHold = 100 * time.Millisecond

// believes reports whether a lifetime may be taken for a new one when it comes
// with an old token.
func (c *client) believes(r *tokenReply) bool { return !c.ExpiresInRemains && r.lifetime > 0 }

// sameAgain keeps cur, which the server gave again, with what it says is left
// of it: neither its age nor its expiry changes, and it is asked for again at
// half the time left.
func (e *entry) sameAgain(asOf uint64, now instant, cur *issued, sentAt instant, left time.Duration) *issued {
	wait := max(time.Second, cur.left(now)/2)
	nextTry := now.mono + int64(wait)
	rejected := cur.noted().standing != good && asOf >= e.past().rejections
	if rejected {
		h := e.note()
		h.pause.start(now)
		h.answered++
	}
	next := cur.with(func(n *notes) {
		n.nextTry, n.givenAgain = nextTry, true
		if rejected {
			n.standing = kept
		}
		if cur.usable(now) {
			return
		}
		if e.client.ExpiresInRemains {
			if left > 0 {
				n.heldFor, left = 0, max(leastHold, left-now.since(sentAt))
			} else {
				n.heldFor = min(max(leastHold, 2*n.heldFor), wait)
				left = n.heldFor
			}
			wait = min(wait, left)
		}
		n.heldUntil = now.mono + int64(wait)
	})
	e.current.Store(next)
	return next
}

// failed settles a flight that brought none.
func (e *entry) failed(asOf uint64, err error) outcome {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := readClocks()
	e.noteFailure(err, now)
	cur := e.current.Load()
	if cur == nil || !cur.usable(now) {
		return outcome{err: err, asOf: asOf}
	}
	if cur.noted().standing != good && errors.Is(err, ErrAuthorizationRequired) {
		e.none(cur) // rejected, and its login has ended: no outage explains that
		return outcome{err: err, asOf: asOf}
	}
	h := e.note()
	if h.renewDelay == 0 {
		h.renewDelay = min(time.Second, cur.left(now)/10)
	} else {
		h.renewDelay = min(2*h.renewDelay, time.Minute)
	}
	e.current.Store(cur.with(func(n *notes) {
		n.nextTry = now.mono + int64(jitter(h.renewDelay, 0.1))
		if n.standing == suspect {
			n.standing = kept
		}
	}))
	return outcome{err: err, asOf: asOf}
}

// noteFailure notes a failure that is remembered.
func (e *entry) noteFailure(err error, now instant) {
	if wait := e.remember(err); wait > 0 {
		h := e.note()
		h.failure.err, h.failure.until = err, now.mono+int64(wait)
	}
}

// remember says for how long a failure keeps this key from trying again: what
// the server asked for, or 1 s doubling to 60 s for what a repetition would
// not mend. Trouble of the network or the server is the breaker's to bound.
func (e *entry) remember(err error) time.Duration {
	switch err := err.(type) {
	case *configError:
		return time.Second
	case *heard: // and looked at again: the other's clock may be wrong
		return min(err.wait, time.Minute)
	case *ServerError:
		if err.passing() {
			return err.wait()
		}
		h := e.note()
		h.failure.delay = min(max(time.Second, 2*h.failure.delay), time.Minute)
		if err.RetryAfter > 0 {
			return err.wait()
		}
		return h.failure.delay
	}
	return 0
}
