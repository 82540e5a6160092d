package authtrip

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

// login is what one principal granted to a registration. What is worth keeping
// of it is a record in the Store.
//
// There is one while something is done with it, or the Store has not taken all.
// Whoever redeems its refresh token, or changes its record, holds its turn: one
// flight at a time, whatever the scopes. Among processes the record's intent
// does that. The turn may be held for as long as a token call takes, so waiting
// for it ends with a context. It is never taken by a holder of tokens.mu or
// entry.mu.
type login struct {
	manager   *Manager
	client    *client
	principal string
	key       string        // in the Store
	turn      chan struct{} // full while somebody has the turn
	borrowers int           // guarded by tokens.mu

	owed *change // what the Store did not take yet; nil: nothing. Of whoever has the turn

	// What follows is written by whoever has the turn.

	seen     atomic.Uint64 // the login that the Store had last, see loginID
	hasOwed  atomic.Bool
	nextSave atomic.Int64 // monotonic
}

// borrowLogin returns what e's principal granted, for as long as something is
// done with it, which giveBack ends. The entry is pinned.
func (e *entry) borrowLogin() *login {
	m := e.client.manager
	m.tokens.mu.Lock()
	defer m.tokens.mu.Unlock()
	l := m.tokens.logins[e.loginName()]
	if l == nil {
		l = &login{
			manager: m, client: e.client, principal: e.principal,
			key: loginKey(e.client.ID, e.principal), turn: make(chan struct{}, 1),
		}
		for _, e := range m.entriesOf(e.client, e.principal) {
			if e.seen != 0 { // else the entry is new
				l.seen.Store(e.seen)
			}
		}
		m.tokens.logins[e.loginName()] = l
	}
	l.borrowers++
	return l
}

func (l *login) giveBack(e *entry) {
	m := l.manager
	m.tokens.mu.Lock()
	defer m.tokens.mu.Unlock()
	for _, e := range m.entriesOf(e.client, e.principal) {
		e.seen = l.seen.Load()
	}
	if l.borrowers--; l.borrowers == 0 && !l.hasOwed.Load() {
		delete(m.tokens.logins, e.loginName())
	}
}

// loginID stands for record.Login; 0 is none.
func loginID(login string) uint64 {
	if login == "" {
		return 0
	}
	sum := sha256.Sum256([]byte(login))
	return binary.BigEndian.Uint64(sum[:])
}

// takeTurn waits for the turn; giveTurn gives it back.
func (l *login) takeTurn(ctx context.Context) error {
	select {
	case l.turn <- struct{}{}:
		return nil
	default:
	}
	select {
	case l.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("another call for the same principal went on for too long: %w", ctx.Err())
	}
}

func (l *login) giveTurn() { <-l.turn }

// trouble tells the hook of a Store's error, and returns it without secrets. It
// calls the user's code, contained.
func (l *login) trouble(err error, secrets []string) error {
	return l.manager.tellStoreFailed(l.client, err, secrets)
}

// load returns the record as the Store has it; none is an empty one. The time
// for it is bounded, and it is not ended by Close: what was redeemed must be
// saved.
func (l *login) load() (*record, string, error) {
	value, version, err := l.manager.store.Load(context.Background(), l.key)
	if err == ErrNotFound {
		return &record{}, "", nil
	}
	if _, sealed := err.(*unreadable); sealed {
		err = fmt.Errorf("%w; the login is left as it is: when the record is deleted, its user can log in anew", err)
	}
	if err != nil {
		return nil, "", err
	}
	r, err := decodeRecord(value)
	return r, version, err
}

// write puts r in place of the record with that version; an empty one removes
// it.
func (l *login) write(r *record, version string) error {
	if r.empty() && version == "" {
		return nil
	}
	if !r.empty() {
		_, err := l.manager.store.Save(context.Background(), l.key, r.encode(), version, r.lifetime(time.Now()))
		return err
	}
	err := l.manager.store.Delete(context.Background(), l.key, version)
	if err == ErrNotFound {
		err = nil
	}
	return err
}

// update is every change of the record. F is given the record as it is, with
// what is owed to the Store done already, and says what it becomes; nil leaves
// it. When somebody else changes it meanwhile f is asked again. Update returns
// the record as it is then, and as it was found if it could not be written. An
// error of f's is returned as it is.
func (l *login) update(ctx context.Context, f func(*record) (*record, error)) (*record, error) {
	for {
		found, version, err := l.load()
		if err != nil {
			return nil, l.trouble(err, l.secrets())
		}
		now := found
		if l.owed != nil {
			now = l.owed.done(found)
		}
		next, fErr := f(now)
		if fErr != nil || next == nil {
			next = now // and what is owed
		}
		if next != found {
			err = l.write(next, version)
		}
		secrets := slices.Concat(l.secrets(), found.secrets(), next.secrets())
		switch {
		case err == nil:
			l.paid(loginID(next.Login))
			return next, fErr
		case fErr != nil:
			_ = l.trouble(err, secrets)
			return now, fErr
		case err != ErrConflict:
			return now, l.trouble(err, secrets)
		case !sleep(ctx, jitter(20*time.Millisecond, 0.5)):
			return now, fmt.Errorf("the Store: %w, again and again: %w", ErrConflict, ctx.Err())
		}
	}
}

var errHeld = errors.New("held")

// claim is update for what only one may do at a time: while another process is
// redeeming, it waits. What f returns should bear the intent.
func (l *login) claim(ctx context.Context, f func(*record) (*record, error)) (*record, error) {
	for {
		r, err := l.update(ctx, func(r *record) (*record, error) {
			next, err := f(r)
			if (next != nil || err != nil) && r.heldFrom(l.manager.owner, time.Now()) {
				return nil, errHeld
			}
			return next, err
		})
		if err != errHeld {
			return r, err
		}
		if !sleep(ctx, jitter(100*time.Millisecond, 0.5)) {
			return r, fmt.Errorf("another process is using the refresh token: %w", ctx.Err())
		}
	}
}

// announced is r with an intent of this Manager's.
func (l *login) announced(r *record) *record {
	c, now := *r, time.Now()
	c.Intent = &intent{Owner: l.manager.owner, From: now.UnixMilli(), Until: now.Add(l.longest()).UnixMilli()}
	return &c
}

// longest is for how long an intent holds: what may come before the call, the
// call itself, and saving what comes of it.
func (l *login) longest() time.Duration { return 2*l.manager.policy.FetchTimeout + intentSlack }

// initial asks the registration for a refresh token to begin with, another than
// r's login began with; none is empty.
func (l *login) initial(ctx context.Context, r *record) (string, error) {
	ask := l.client.RefreshToken
	if ask == nil {
		return "", nil
	}
	got, err := contained(ctx, func() (Secret, error) { return ask(ctx, l.principal) })
	if err != nil {
		return "", &configError{"RefreshToken", err}
	}
	if token := got.Reveal(); token != "" && digest(token) != r.Given {
		return token, nil
	}
	return "", nil
}
