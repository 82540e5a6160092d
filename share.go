package authtrip

import (
	"context"
	"time"
)

// Waits between looks at the Store while another process makes the call.
const firstLook, longestLook = 50 * time.Millisecond, 500 * time.Millisecond

// share is one flight's part in what a fleet shares of a token. It is of one
// goroutine at a time: the flight's, then that of what it leaves behind.
type share struct {
	entry *entry
	store *guardedStore
	key   string // without what kind of record it is

	// The token as the Store had it last.
	found   *fleetToken // nil: none
	version string      // of the record; empty: none

	writes   bool          // the Store is not left alone by this flight, see storeHealth.admits
	patience time.Duration // how long it waits for others
	lease    string        // the version of ours; empty: there is none
	others   string        // that of another's, as it was seen last
	since    instant       // and when it was seen first
}

// share says where the Store has a token: under what shapes it, the credentials
// included.
func (e *entry) share(cred credentials) *share {
	return &share{
		entry: e, store: e.client.manager.store, patience: jitter(e.client.manager.policy.FetchTimeout/2, 0.1),
		key: keyPart(e.client.ID) + "/" + digest(e.fingerprintAs(cred.id)+cred.secret.Reveal()),
	}
}

func (s *share) tokenKey() string { return "token/" + s.key }
func (s *share) leaseKey() string { return "lease/" + s.key }

// mayWrite reports whether the flight may write to the Store.
func (s *share) mayWrite() bool {
	s.writes = s.writes || s.store.health.admits(&s.store.health.writes)
	return s.writes
}

// find looks for a token in the Store that answers n, and waits for one that
// another process is asking for, for about half a FetchTimeout at most. Without
// one and without an error the flight is to call: with the lease, or since it
// could not be had. ErrHeldElsewhere says that another process is renewing a
// token that is good still, a *heard what the server said to one.
func (s *share) find(ctx context.Context, n need) (at instant, found *tokenReply, err error) {
	s.entry.noteLook()
	if !s.store.health.admits(&s.store.health.reads) {
		return at, nil, nil
	}
	// Whatever the Store does, an attempt has its time.
	ctx, cancel := context.WithTimeout(ctx, s.entry.client.manager.policy.FetchTimeout*2/3)
	defer cancel()
	patience, end := context.WithTimeout(ctx, s.patience)
	defer end()
	wait := firstLook
	for i := 0; ; i++ {
		if s.look(ctx) != nil {
			return at, nil, nil
		}
		if at, found = s.answer(n, readClocks()); found != nil {
			s.leave()
			return at, found, nil
		}
		if s.lease != "" || s.entry.refusal(readClocks()) != nil || patience.Err() != nil {
			return at, nil, nil
		}
		if i%2 == 0 { // the lease is of less interest than the token
			err := s.contend(ctx)
			_, isHeard := err.(*heard)
			mayWait := n.renewal && s.entry.isGood()
			switch {
			case isHeard:
				return at, nil, err
			case mayWait && (err == errHeldElsewhere || err == errFailedElsewhere):
				return at, nil, errHeldElsewhere
			case err == nil: // and look again: whoever had it may have just saved
				continue
			case err != errHeldElsewhere:
				return at, nil, nil
			}
		}
		sleep(patience, jitter(wait, 0.5))
		wait = min(2*wait, longestLook)
	}
}

// leave ends the flight's part when there is nothing to be told: it gives the
// lease back, or finds out whether a Store that could not be written can be.
func (s *share) leave() {
	switch {
	case s.lease != "":
		s.behind(s.release)
	case s.store.health.fails(&s.store.health.writes):
		s.behind(s.probe)
	}
}

// noteLook is told that a flight asks the Store.
func (e *entry) noteLook() {
	now := readClocks()
	if e.refusal(now) == nil {
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

// save writes what a call brought, unless another process has a newer one, or it
// was dropped meanwhile.
func (s *share) save(ctx context.Context, next *fleetToken) {
	for range 5 {
		next.follows(s.found)
		switch err := s.write(ctx, next); {
		case err == nil && s.entry.hasDropped(next.AccessToken):
			s.remove(ctx, next.AccessToken)
			return
		case err != ErrConflict || s.look(ctx) != nil || s.found != nil && s.found.SentAt > next.SentAt:
			return
		}
	}
}

// remove takes a token out of the Store. Empty is any; it returns the one that
// was there.
func (s *share) remove(ctx context.Context, token string) (removed string) {
	if s.look(ctx) != nil || s.found == nil || token != "" && s.found.AccessToken != token {
		return ""
	}
	_ = s.store.Delete(ctx, s.tokenKey(), s.version)
	return s.found.AccessToken
}

// reject tells the others that the token in the Store was rejected.
func (s *share) reject(ctx context.Context, n need) {
	if !s.found.isRejected(n) {
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

// probe writes something that nobody reads, to find out whether that works
// again.
func (s *share) probe(ctx context.Context) {
	_, _ = s.store.Save(ctx, "probe/"+s.entry.client.manager.owner, []byte("{}"), "", storeWait)
}

// behind does f behind the flight, which Close waits for: nobody else does. A
// Store that fails is left alone.
func (s *share) behind(f func(context.Context)) {
	if !s.mayWrite() {
		return
	}
	m := s.entry.client.manager
	m.awaited.Add(1) // while the flight's own is not done
	go func() {
		defer m.awaited.Done()
		ctx, cancel := context.WithTimeout(context.Background(), 3*storeWait)
		defer cancel()
		f(ctx)
	}()
}
