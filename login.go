package authtrip

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

// storeWait bounds one operation of the Store.
const storeWait = time.Second

// login is what one principal granted to a registration. What is worth keeping
// of it is a record in the Store.
//
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
	entries   []*entry      // guarded by tokens.mu: its access tokens, one for each set of scopes

	// What follows belongs to whoever has the turn.

	unsaved *change
	// refused is the digest of the last refresh token that the server refused.
	refused [sha256.Size]byte

	// hasUnsaved and nextSave (monotonic) are written by whoever has the turn.
	hasUnsaved atomic.Bool
	nextSave   atomic.Int64
}

// change is a record that the Store did not take yet: it follows the one with
// the refresh token from. A change without next removes whatever there is.
type change struct {
	next *record
	from string
}

// Format keeps the refresh token out of dumps.
func (*change) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// String does what Format does, for dumpers that know only Stringer.
func (*change) String() string { return redacted }

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

// storeError is trouble with the Store.
type storeError struct{ *callError }

// trouble tells the hook of a Store's error, and returns it without secrets.
func (l *login) trouble(err error, secrets ...string) error {
	text := "the Store: " + err.Error()
	clean := scrub(text, secrets)
	e := &storeError{&callError{text: clean, err: err, timeout: timedOut(err)}}
	if clean != text {
		e.err, e.is = nil, func(target error) bool { return errors.Is(err, target) }
	}
	if f := l.manager.hooks.StoreFailed; f != nil {
		f(l.client.ID, &at{registration: l.client.ID, server: l.client.server, err: e})
	}
	return e
}

// load returns the record as the Store has it; none is an empty one. The time
// for it is bounded, and it is not ended by Close: what was redeemed must be
// saved.
func (l *login) load() (*record, string, error) {
	type found struct {
		record  *record
		version string
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeWait)
	defer cancel()
	got, err := contained(ctx, func() (found, error) {
		value, version, err := l.manager.store.Load(ctx, l.key)
		if err != nil {
			return found{}, err
		}
		r, err := decodeRecord(value)
		return found{r, version}, err
	})
	switch {
	case errors.Is(err, ErrNotFound):
		return &record{}, "", nil
	case err != nil:
		return nil, "", err
	}
	return got.record, got.version, nil
}

// write puts r in place of the record with that version; an empty one removes
// it.
func (l *login) write(r *record, version string) (string, error) {
	if r.empty() && version == "" {
		return "", nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeWait)
	defer cancel()
	value, lifetime := r.encode(), r.lifetime(time.Now())
	return contained(ctx, func() (string, error) {
		if !r.empty() {
			return l.manager.store.Save(ctx, l.key, value, version, lifetime)
		}
		err := l.manager.store.Delete(ctx, l.key, version)
		if errors.Is(err, ErrNotFound) {
			err = nil
		}
		return "", err
	})
}

// read is load after what is unsaved was saved.
func (l *login) read() (*record, string, error) {
	if err := l.saveUnsaved(); err != nil {
		return nil, "", err
	}
	r, version, err := l.load()
	if err != nil {
		return nil, "", l.trouble(err)
	}
	return r, version, nil
}

// intend announces in the record that its token, or a code, is being redeemed.
// It reports false when the record is to be read again: it was changed, or
// another process is redeeming, which intend waits for a little.
func (l *login) intend(ctx context.Context, r *record, version string) (newVersion string, ok bool, err error) {
	now := time.Now()
	if r.heldFrom(l.manager.owner, now) {
		if !sleep(ctx, jitter(100*time.Millisecond, 0.5)) {
			return "", false, fmt.Errorf("another process is using the refresh token: %w", ctx.Err())
		}
		return "", false, nil
	}
	r.Intent = &intent{Owner: l.manager.owner, Until: now.Add(l.manager.policy.FetchTimeout + intentSlack).UnixMilli()}
	newVersion, err = l.write(r, version)
	switch {
	case errors.Is(err, ErrConflict):
		if !sleep(ctx, jitter(20*time.Millisecond, 0.5)) {
			return "", false, fmt.Errorf("the login's record is changed all the time: %w", ctx.Err())
		}
		return "", false, nil
	case err != nil:
		return "", false, l.trouble(err, r.RefreshToken, r.AccessToken)
	}
	return newVersion, true, nil
}

// settle ends an intent: next takes the place of the record of that version,
// which had the refresh token from. What the Store does not take is kept, used,
// and saved later.
func (l *login) settle(next *record, from, version string) {
	if err := l.commit(next, from, version); err != nil {
		l.owe(&change{next, from})
		_ = l.trouble(err, next.RefreshToken, next.AccessToken, from)
	}
}

// owe keeps a change to be saved later.
func (l *login) owe(c *change) {
	l.unsaved = c
	l.hasUnsaved.Store(true)
	l.nextSave.Store(readClocks().mono + int64(time.Second))
}

// commit writes next over the record of that version, and over a newer one
// that has no other refresh token than from. Another is the work of somebody
// who knew better, and stands.
func (l *login) commit(next *record, from, version string) error {
	_, err := l.write(next, version)
	for range 5 {
		if !errors.Is(err, ErrConflict) {
			return err
		}
		var now *record
		if now, version, err = l.load(); err != nil {
			return err
		}
		if now.RefreshToken != "" && now.RefreshToken != from {
			return nil
		}
		_, err = l.write(next, version)
	}
	return err
}

// saveUnsaved tries again to save what the Store did not take.
func (l *login) saveUnsaved() error {
	c := l.unsaved
	if c == nil {
		return nil
	}
	if err := l.save(c); err != nil {
		l.owe(c)
		secrets := []string{c.from}
		if c.next != nil {
			secrets = append(secrets, c.next.RefreshToken, c.next.AccessToken)
		}
		return l.trouble(err, secrets...)
	}
	l.unsaved = nil
	l.hasUnsaved.Store(false)
	return nil
}

func (l *login) save(c *change) error {
	now, version, err := l.load()
	switch {
	case err != nil:
		return err
	case c.next == nil:
		_, err := l.write(&record{}, version)
		return err
	case slices.Contains([]string{"", c.from, c.next.RefreshToken}, now.RefreshToken):
		return l.commit(c.next, now.RefreshToken, version)
	}
	return nil // somebody knew better: see commit
}

// initial asks the registration for a refresh token to begin with; none is
// empty.
func (l *login) initial(ctx context.Context) (string, error) {
	ask := l.client.RefreshToken
	if ask == nil {
		return "", nil
	}
	got, err := contained(ctx, func() (Secret, error) { return ask(ctx, l.principal) })
	if err != nil {
		return "", &configError{"RefreshToken", err}
	}
	return got.Reveal(), nil
}

// saveBehind saves, behind the requests, what the Store did not take, once a
// second at most, and then lets the token in use be fresh.
func (e *entry) saveBehind(now instant) {
	l := e.login
	if !l.hasUnsaved.Load() {
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
	if !e.manager.beginRedeeming() {
		l.giveTurn()
		return
	}
	e.pins.Add(1) // by somebody who has it pinned
	l.nextSave.Store(now.mono + int64(time.Second))
	go func() {
		defer e.manager.redeeming.Done()
		defer e.unpin()
		defer l.giveTurn()
		if l.saveUnsaved() == nil {
			e.saved()
		}
	}()
}
