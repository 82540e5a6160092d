package authtrip

import (
	"context"
	"time"
)

// Processes that share a Store share client credentials tokens: one of them
// makes the token call, and the others find what it brought. The Store's
// compare-and-set is what keeps that right. The lease only keeps the herd small:
// who cannot have it waits a little, and then calls all the same.

// fleetFlight is a flight for a client credentials token that a fleet shares.
func (e *entry) fleetFlight(ctx context.Context, k *call, n need, asOf uint64) outcome {
	m := e.client.manager
	if !m.beginAwaited() { // so that Close waits for what is to be told to the others
		return outcome{err: ErrClosed, asOf: asOf}
	}
	defer m.awaited.Done()
	for renewed := false; ; renewed = true {
		cred, err := contained(ctx, func() (credentials, error) { return e.client.credentials(ctx, nil) })
		if err != nil {
			return e.failed(asOf, &configError{"Credentials", err})
		}
		s := e.share(cred)
		at, found, err := s.find(ctx, n)
		switch {
		case found != nil:
			return e.received(asOf, at, found, false)
		case err == errHeldElsewhere:
			return e.renewedElsewhere(asOf)
		case err == nil:
			err = e.refusal(readClocks())
		}
		var sentAt instant
		var reply *tokenReply
		if err == nil {
			call := e.clientRequest()
			call.shared = &cred
			sentAt, reply, err = e.fetch(ctx, k, call)
		}
		if m.closed() {
			err = ErrClosed
		}
		if err == nil {
			s.behind(func(ctx context.Context) {
				s.save(ctx, newFleetToken(sentAt, reply, n.unwanted != ""))
				s.release(ctx)
			})
			return e.received(asOf, sentAt, reply, false)
		}
		if !renewed && e.client.credentialsAfter(cred, err) {
			s.leave()
			continue // theirs is another token, which may be there
		}
		left, now := s.found, readClocks()
		if s.lease != "" || left.isRejected(n) {
			s.behind(func(ctx context.Context) {
				s.reject(ctx, n)
				s.giveUp(ctx, err)
			})
		}
		at, found = left.reply(now)
		if found != nil && !e.had(found.token) && !e.outdates(left, now) && e.inUse() == nil {
			return e.makeDo(asOf, at, found, err) // rejected somewhere, and better than none
		}
		return e.failed(asOf, err)
	}
}

// inUse is the token in use if it may be sent still, rejected or not, or nil.
func (e *entry) inUse() *issued {
	if t := e.current.Load(); t != nil && t.usable(readClocks()) {
		return t
	}
	return nil
}

// isGood reports whether there is one that nobody rejected.
func (e *entry) isGood() bool {
	t := e.inUse()
	return t != nil && t.noted().standing == good
}

// longestLeft bounds the waits for a renewal that is left to another process.
const longestLeft = 30 * time.Second

// renewedElsewhere settles a flight that left the renewal to another process: a
// moment later the Store has what that brought, or ever later, should it not.
func (e *entry) renewedElsewhere(asOf uint64) outcome {
	e.mu.Lock()
	defer e.mu.Unlock()
	cur, now := e.current.Load(), readClocks()
	if cur == nil || !cur.usable(now) {
		return outcome{err: errSuperseded, asOf: asOf}
	}
	h := e.note()
	h.renewDelay = min(max(time.Second, 2*h.renewDelay), longestLeft)
	wait := max(100*time.Millisecond, min(h.renewDelay, cur.left(now)/4))
	cur = cur.with(func(n *notes) { n.nextTry = now.mono + int64(jitter(wait, 0.5)) })
	e.current.Store(cur)
	return outcome{token: cur, asOf: asOf, deferred: true}
}

// makeDo settles a flight that failed and found a token in the Store all the
// same. What it failed by is remembered.
func (e *entry) makeDo(asOf uint64, at instant, reply *tokenReply, err error) outcome {
	got := e.received(asOf, at, reply, false)
	got.madeDo = err
	e.mu.Lock()
	defer e.mu.Unlock()
	e.noteFailure(err, readClocks())
	return got
}

// credentialsAfter reports whether the server refused credentials, and others
// have taken their place.
func (c *client) credentialsAfter(refused credentials, err error) bool {
	said, ok := err.(*ServerError)
	known := c.known.Load()
	return ok && said.Code == "invalid_client" && known != nil && !known.same(refused)
}
