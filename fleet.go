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
func (e *entry) fleetFlight(ctx, caller context.Context, n need, asOf uint64) outcome {
	m := e.client.manager
	if !m.beginRedeeming() { // so that Close waits for what is to be told to the others
		return outcome{err: ErrClosed, asOf: asOf}
	}
	defer m.redeeming.Done()
	for renewed := false; ; renewed = true {
		cred, err := contained(ctx, func() (credentials, error) { return e.client.credentials(ctx, nil) })
		if err != nil {
			return e.failed(asOf, &configError{"Credentials", err})
		}
		s := e.share(cred)
		at, found, elsewhere := s.find(ctx, n)
		switch {
		case found != nil:
			return e.received(asOf, at, found, false)
		case elsewhere:
			return e.renewedElsewhere(asOf)
		}
		call := e.clientRequest()
		call.shared = true
		sentAt, reply, err := e.fetch(ctx, caller, call)
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
			s.behind(s.release)
			continue // theirs is another token, which may be there
		}
		left := s.found
		s.behind(func(ctx context.Context) {
			s.reject(ctx, n)
			s.cool(ctx, err)
		})
		now := readClocks()
		if at, reply := left.reply(now); reply != nil && !e.had(reply.token) && !e.outdates(left, now) && !e.canGoOn() {
			return e.received(asOf, at, reply, false) // rejected somewhere, and better than none
		}
		return e.failed(asOf, err)
	}
}

// isGood reports whether the token in use may be sent and nobody rejected it.
func (e *entry) isGood() bool {
	t := e.current.Load()
	return t != nil && t.usable(readClocks()) && t.noted().standing == good
}

// canGoOn reports whether there is a token that may be sent, rejected or not.
func (e *entry) canGoOn() bool {
	t := e.current.Load()
	return t != nil && t.usable(readClocks())
}

// renewedElsewhere settles a flight that left the renewal to another process: a
// moment later the Store has what that brought.
func (e *entry) renewedElsewhere(asOf uint64) outcome {
	e.mu.Lock()
	defer e.mu.Unlock()
	cur, now := e.current.Load(), readClocks()
	if cur == nil || !cur.usable(now) {
		return outcome{err: errSuperseded, asOf: asOf}
	}
	next := now.mono + int64(jitter(min(time.Second, cur.left(now)/4), 0.5))
	cur = cur.with(func(n *notes) { n.nextTry = next })
	e.current.Store(cur)
	return outcome{token: cur, asOf: asOf}
}

// credentialsAfter reports whether the server refused credentials, and others
// have taken their place.
func (c *client) credentialsAfter(refused credentials, err error) bool {
	said, ok := err.(*ServerError)
	known := c.known.Load()
	return ok && said.Code == "invalid_client" && known != nil && !known.same(refused)
}
