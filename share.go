package authtrip

import (
	"context"
	"errors"
	"time"
)

const (
	// leaseSlack is how much longer than a flight its lease lasts.
	leaseSlack = 2 * time.Second
	// Waits between looks at the Store while another process makes the call.
	firstLook, longestLook = 50 * time.Millisecond, 500 * time.Millisecond
)

// share is one flight's part in what a fleet shares of a token. It is of one
// goroutine at a time: the flight's, then that of what it leaves behind.
type share struct {
	entry *entry
	store *guardedStore
	key   string // without what kind of record it is

	// The token as the Store had it last.
	found   *fleetToken // nil: none
	version string      // of the record; empty: none

	lease string // its version; empty: it is not ours
}

// share says where the Store has a token: under what shapes it, the credentials
// included.
func (e *entry) share(cred credentials) *share {
	return &share{
		entry: e, store: e.client.manager.store,
		key: keyPart(e.client.ID) + "/" + digest(e.fingerprint()+"\n"+cred.id+"\n"+cred.secret.Reveal()),
	}
}

func (s *share) tokenKey() string { return "token/" + s.key }
func (s *share) leaseKey() string { return "lease/" + s.key }

// find looks for a token in the Store that answers n, and waits for one that
// another process is asking for, for half a FetchTimeout at most. Without one
// the flight is to call: with the lease, or because it could not be had in time.
// Elsewhere says that another process is renewing a token that is good still.
func (s *share) find(ctx context.Context, n need) (at instant, found *tokenReply, elsewhere bool) {
	if s.store.health.refused(&s.store.health.reads) {
		return at, nil, false
	}
	s.entry.looks()
	patience, cancel := context.WithTimeout(ctx, s.entry.client.manager.policy.FetchTimeout/2)
	defer cancel()
	for wait := firstLook; ; wait = min(2*wait, longestLook) {
		if s.look(ctx) != nil {
			return at, nil, false
		}
		if at, found = s.answer(n, readClocks()); found != nil {
			switch {
			case s.lease != "":
				s.behind(s.release)
			case s.store.health.fails(&s.store.health.writes):
				s.behind(s.probe)
			}
			return at, found, false
		}
		if s.lease != "" || s.entry.client.breaker.refuses(readClocks()) != nil || patience.Err() != nil {
			return at, nil, false
		}
		switch taken, err := s.take(ctx); {
		case err != nil:
			return at, nil, false
		case taken: // and look again: whoever had it may have just saved
			continue
		case n.renewal && s.entry.isGood():
			return at, nil, true
		}
		sleep(patience, jitter(wait, 0.5))
	}
}

// looks is told that a flight asks the Store.
func (e *entry) looks() {
	now := readClocks()
	if e.client.breaker.refuses(now) == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.note().lookAgain = now.mono + int64(jitter(time.Second, 0.3))
}

// answer is the token in the Store if it answers n. One that is older than what
// was here last was left behind by a Store that failed, or is about to go.
func (s *share) answer(n need, now instant) (at instant, reply *tokenReply) {
	e, found := s.entry, s.found
	at, reply = found.reply(now)
	if reply == nil || found.Rejected {
		return at, nil
	}
	cur := e.current.Load()
	isCurrent := cur != nil && cur.token() == reply.token
	switch {
	case isCurrent && !e.wasAskedFor(cur, found, n, now),
		!isCurrent && (reply.token == n.unwanted || e.had(reply.token)),
		e.outdates(found, now),
		!isCurrent && n.renewal && e.isGood() && found.stale(now, e.client.manager.policy.RenewAt):
		return at, nil
	}
	return at, reply
}

// outdates reports whether found is older than the token in use, or than the one
// that was dropped.
func (e *entry) outdates(found *fleetToken, now instant) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	last := e.past().dropped
	if cur := e.current.Load(); cur != nil {
		if last = cur; !cur.usable(now) {
			return false
		}
	}
	return last != nil && found.SentAt < last.at.wall/int64(time.Millisecond)
}

// wasAskedFor reports whether another process asked for a successor of cur a
// while ago, when this one would not have asked again yet either, and the server
// gave cur again, as found says.
func (e *entry) wasAskedFor(cur *issued, found *fleetToken, n need, now instant) bool {
	if found.SentAt <= cur.at.wall/int64(time.Millisecond) {
		return false
	}
	age, wait := found.age(now), time.Second
	if n.unwanted == cur.token() {
		e.mu.Lock()
		defer e.mu.Unlock()
		return found.Reissued && age < max(wait, e.past().pause.length)
	}
	if cur.usable(now) && cur.usableFor != forever {
		wait = max(wait, (cur.left(now)+age)/2)
	}
	return age < wait
}

// look loads what the Store has. A record that cannot be read is none, and is
// written over.
func (s *share) look(ctx context.Context) error {
	before := s.version
	value, version, err := s.store.Load(ctx, s.tokenKey())
	s.found, s.version = nil, ""
	_, sealed := err.(*unreadable)
	switch {
	case err == ErrNotFound:
		return nil
	case sealed && version == before: // told already
	case sealed:
		_ = s.entry.client.manager.tellStoreFailed(s.entry.client, err, nil)
	case err != nil:
		return err
	default:
		s.found = decodeFleetToken(value)
	}
	s.version = version
	return nil
}

// take tries to get the lease.
func (s *share) take(ctx context.Context) (taken bool, err error) {
	m := s.entry.client.manager
	if s.store.health.refused(&s.store.health.writes) {
		return false, errNotWritten
	}
	s.lease, err = s.store.Save(ctx, s.leaseKey(), []byte(m.owner), "", m.policy.FetchTimeout+leaseSlack)
	if err == ErrConflict {
		return false, nil
	}
	return err == nil, err
}

var errNotWritten = errors.New("the Store could not be written a moment ago")

// save writes what a call brought, unless another process has a newer one.
func (s *share) save(ctx context.Context, next *fleetToken) {
	for range 5 {
		next.follows(s.found)
		err := s.write(ctx, next)
		if err != ErrConflict || s.look(ctx) != nil || s.found != nil && s.found.SentAt > next.SentAt {
			return
		}
	}
}

// reject tells the others that the token in the Store was rejected.
func (s *share) reject(ctx context.Context, n need) {
	if s.found == nil || s.found.Rejected || s.found.AccessToken != n.unwanted {
		return
	}
	t := *s.found
	t.Rejected = true
	_ = s.write(ctx, &t)
}

// write saves t over what was found.
func (s *share) write(ctx context.Context, t *fleetToken) error {
	_, err := s.store.Save(ctx, s.tokenKey(), t.encode(), s.version, t.left(readClocks()))
	return err
}

// release gives the lease back, if it is held still.
func (s *share) release(ctx context.Context) {
	if s.lease != "" {
		_ = s.store.Delete(ctx, s.leaseKey(), s.lease)
	}
}

// probe writes something that nobody reads, to find out whether that works
// again.
func (s *share) probe(ctx context.Context) {
	_, _ = s.store.Save(ctx, "probe/"+s.entry.client.manager.owner, []byte("{}"), "", storeWait)
}

// cool gives the lease back, but not before the time that the server asked to be
// left alone for.
func (s *share) cool(ctx context.Context, err error) {
	said, ok := err.(*ServerError)
	if s.lease == "" || !ok || said.RetryAfter <= 0 {
		s.release(ctx)
		return
	}
	_, _ = s.store.Save(ctx, s.leaseKey(), []byte(s.entry.client.manager.owner), s.lease, said.wait())
}

// behind does f after the flight, which has begun to redeem: nobody waits for it
// but Close. A Store that fails is left alone.
func (s *share) behind(f func(context.Context)) {
	if s.store.health.refused(&s.store.health.writes) {
		return
	}
	m := s.entry.client.manager
	m.redeeming.Add(1) // while the flight's own is not done
	go func() {
		defer m.redeeming.Done()
		ctx, cancel := context.WithTimeout(context.Background(), 3*storeWait)
		defer cancel()
		f(ctx)
	}()
}
