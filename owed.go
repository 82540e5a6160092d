package authtrip

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// change is what is to be done to the record of one login, and to no other:
// what came after it stands.
type change struct {
	login uint64 // see loginID
	// next, if there is one, takes the place of the record that was claimed.
	next, claimed *record
	// revoked says that the user ended the login then; told is what the server
	// knows of that.
	revoked bool
	told    []revocation
}

// Format keeps the refresh tokens out of dumps.
func (*change) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// String does what Format does, for dumpers that know only Stringer.
func (*change) String() string { return redacted }

// done returns r after the change: r itself if there is nothing to do.
func (c *change) done(r *record) *record {
	after := r
	if c.next != nil {
		after = c.settled(r)
	}
	ours := loginID(after.Login) == c.login || c.next != nil && after.Login == c.next.Login
	if c.revoked && ours && !after.Ended {
		after = after.revoked()
		after.Untold = slices.DeleteFunc(after.Untold, func(t revocation) bool { return slices.Contains(c.told, t) })
	}
	return after
}

func (c *change) settled(r *record) *record {
	switch {
	case r.empty() && !c.next.empty():
		return c.next // the Store lost its records
	case loginID(r.Login) == c.login && c.login != 0 && !r.Ended && r.Refreshes < c.next.Refreshes:
		return c.next // or is as it was a while ago
	case loginID(r.Login) != c.login || r.RefreshToken != c.claimed.RefreshToken || r.Ended != c.claimed.Ended:
		return r
	case c.next.RefreshToken != r.RefreshToken || r.Intent != nil && r.Intent.Owner == c.claimed.Intent.Owner:
		return c.next
	}
	return r // it was only to be let go of, which time has done
}

// settle writes what came of redeeming claimed, the record as it was announced.
// What the Store does not take is kept, used, and saved later.
func (l *login) settle(e *entry, claimed, next *record) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*storeWait)
	defer cancel()
	l.owe(&change{login: loginID(claimed.Login), next: next, claimed: claimed})
	if l.save(ctx) != nil {
		l.saveSoon(e)
	}
}

// owe keeps a change to be saved later.
func (l *login) owe(c *change) {
	l.owed = c
	l.hasOwed.Store(true)
	l.nextSave.Store(readClocks().mono + int64(time.Second))
}

// paid is told that the Store has the record, and with it what was owed.
func (l *login) paid(seen uint64) {
	l.owed = nil
	l.seen.Store(seen)
	l.hasOwed.Store(false)
}

// secrets are those that are owed.
func (l *login) secrets() []string {
	if l.owed == nil || l.owed.next == nil {
		return nil
	}
	return append(l.owed.claimed.secrets(), l.owed.next.secrets()...)
}

// save tries to save what is owed. The turn is held.
func (l *login) save(ctx context.Context) error {
	if l.owed == nil {
		return nil
	}
	l.nextSave.Store(readClocks().mono + int64(time.Second))
	_, err := l.update(ctx, func(*record) (*record, error) { return nil, nil })
	return err
}

// saveSoon goes on trying behind the requests until it succeeds, or Close has
// the last try: when the Store is back, others must not redeem a refresh token
// that is spent because nobody asked here.
func (l *login) saveSoon(e *entry) {
	if !l.manager.beginAwaited() {
		return // Close saves
	}
	l = e.borrowLogin() // it is there: whoever calls has it
	go func() {
		defer l.manager.awaited.Done()
		defer l.giveBack(e)
		ctx := l.manager.ctx
		for wait := 100 * time.Millisecond; l.hasOwed.Load() && sleep(ctx, jitter(wait, 0.1)); {
			admitted, failing := l.manager.store.health.admitsOwed()
			longest := time.Minute // where it is this record
			if failing {
				longest = 2 * time.Second
			}
			wait = min(2*wait, longest)
			if !admitted {
				continue
			}
			if l.takeTurn(ctx) != nil {
				return
			}
			_ = l.save(ctx)
			l.giveTurn()
		}
	}()
}

// saveBehind saves, behind the requests, what is still owed, once a second at
// most, and then lets the token in use be fresh.
func (e *entry) saveBehind(now instant) {
	l := e.borrowLogin()
	defer l.giveBack(e)
	if !l.hasOwed.Load() {
		e.saved()
		return
	}
	if now.mono < l.nextSave.Load() {
		return
	}
	select {
	case l.turn <- struct{}{}:
	default: // whoever has it saves first
		return
	}
	if !l.manager.beginAwaited() {
		l.giveTurn()
		return
	}
	e.pins.Add(1) // by somebody who has it pinned
	e.borrowLogin()
	l.nextSave.Store(now.mono + int64(time.Second))
	go func() {
		defer l.manager.awaited.Done()
		defer e.unpin()
		defer l.giveBack(e)
		defer l.giveTurn()
		if l.save(l.manager.ctx) == nil {
			e.saved()
		}
	}()
}
