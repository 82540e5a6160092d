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
		n == need{} && t.usable(now) && t.standing != suspect,
		n.unwanted == t.text.token && n.answered < e.answered:
		done = t
	}
	return done, e.rejections
}

// received settles a flight that brought a token.
func (e *entry) received(asOf uint64, sentAt instant, reply *tokenReply) outcome {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := readClocks()
	cur := e.current.Load()
	e.failure, e.renewDelay = failure{}, 0
	switch {
	case e.manager.closed():
		return outcome{err: ErrClosed, asOf: asOf}
	case cur != nil && cur.text.token == reply.token && !(e.client.believes(reply) && !cur.usable(now)):
		return outcome{token: e.sameAgain(asOf, now, cur, sentAt, reply.lifetime), asOf: asOf}
	case asOf < e.droppedAt && reply.token == e.dropped:
		return outcome{err: errSuperseded, asOf: asOf}
	}
	// One from the Store may be as old as the rejected one: it begins no pause.
	e.reissued = cur != nil && cur.standing != good && asOf >= e.rejections && !reply.stored
	e.unproven.Store(e.reissued && !e.unseen)
	e.rejectedToo, e.unseen = false, false
	if e.reissued {
		e.pause.start(now)
	}
	return outcome{token: e.install(sentAt, reply), asOf: asOf}
}

// install makes the token of a reply the one in use.
func (e *entry) install(sentAt instant, reply *tokenReply) *issued {
	t := &issued{text: newTokenText(reply.token, e.client.RawToken), at: sentAt}
	t.ages(reply.lifetime, e.manager.policy.RenewAt, e.manager.policy.RenewSpread)
	if reply.stored { // the Store has the time that it may be used
		t.usableFor = reply.lifetime
	}
	e.keptRejected, e.keptAccepted = false, false
	e.nextTry.Store(0)
	if e.login != nil && e.login.hasOwed.Load() {
		e.nextTry.Store(sentAt.mono + int64(min(t.freshFor, maxLifetime)))
		t.freshFor, t.freshOnceSaved = 0, t.freshFor
	}
	e.used.Store(sentAt.mono)
	e.last.Store(t.text.after(e.last.Load()))
	e.current.Store(t)
	return t
}

// saved makes a token fresh that was not for what had to be saved.
func (e *entry) saved() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if t := e.current.Load(); t != nil && t.freshOnceSaved > 0 {
		fresh := *t
		fresh.freshFor, fresh.freshOnceSaved = t.freshOnceSaved, 0
		e.current.Store(&fresh)
	}
}

// adopt takes the token of a new login, which nothing that came before says
// anything about.
func (e *entry) adopt(sentAt instant, reply *tokenReply) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.manager.closed() {
		return
	}
	e.rejections++
	e.failure, e.renewDelay, e.pause = failure{}, 0, pause{}
	e.reissued, e.rejectedToo = false, false
	e.unproven.Store(false)
	e.install(sentAt, reply)
}

// had reports whether token is in use, or was dropped: another is wanted.
func (e *entry) had(token string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	cur := e.current.Load()
	return cur != nil && cur.text.token == token || e.dropped == token
}

// gaveUp reports whether no more is expected of token: here, where it was
// dropped, or for good, since it was rejected, kept for want of another, and
// rejected again before any server accepted it.
func (e *entry) gaveUp(token string) (here, forGood bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	cur := e.current.Load()
	forGood = e.keptRejected && cur != nil && cur.text.token == token
	return forGood || e.dropped == token, forGood
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
	e.nextTry.Store(now.mono + int64(wait))
	next := *cur
	if cur.standing != good && asOf >= e.rejections {
		next = *cur.with(kept)
		e.pause.start(now)
		e.answered++
	}
	if !cur.usable(now) {
		if e.client.ExpiresInRemains {
			if next.heldFor = 0; left > 0 {
				left = max(leastHold, left-now.since(sentAt))
			} else {
				next.heldFor = min(max(leastHold, 2*cur.heldFor), wait)
				left = next.heldFor
			}
			wait = min(wait, left)
		}
		next.heldUntil = now.mono + int64(wait)
	}
	e.current.Store(&next)
	return &next
}

// failed settles a flight that brought none.
func (e *entry) failed(asOf uint64, err error) outcome {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := readClocks()
	if wait := e.remember(err); wait > 0 {
		e.failure.err, e.failure.until = err, now.mono+int64(wait)
	}
	cur := e.current.Load()
	if cur == nil || !cur.usable(now) {
		return outcome{err: err, asOf: asOf}
	}
	if cur.standing != good && errors.Is(err, ErrAuthorizationRequired) {
		e.current.Store(nil) // rejected, and its login has ended: no outage explains that
		return outcome{err: err, asOf: asOf}
	}
	if cur.standing == suspect {
		e.current.Store(cur.with(kept))
	}
	if e.renewDelay == 0 {
		e.renewDelay = min(time.Second, cur.left(now)/10)
	} else {
		e.renewDelay = min(2*e.renewDelay, time.Minute)
	}
	e.nextTry.Store(now.mono + int64(jitter(e.renewDelay, 0.1)))
	return outcome{err: err, asOf: asOf}
}

// remember says for how long a failure keeps this key from trying again: what
// the server asked for, or 1 s doubling to 60 s for what a repetition would
// not mend. Trouble of the network or the server is the breaker's to bound.
func (e *entry) remember(err error) time.Duration {
	switch err := err.(type) {
	case *configError:
		return time.Second
	case *ServerError:
		if err.passing() {
			return err.wait()
		}
		e.failure.delay = min(max(time.Second, 2*e.failure.delay), time.Minute)
		if err.RetryAfter > 0 {
			return err.wait()
		}
		return e.failure.delay
	}
	return 0
}
