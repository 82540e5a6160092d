package authtrip

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	// storeWait bounds one operation of the Store.
	storeWait = time.Second
	// longestStoreDelay bounds the waits between tries of a Store that fails.
	longestStoreDelay = 30 * time.Second
)

// guardedStore is the Manager's Store. However that behaves, an operation ends
// within storeWait, and what came of it is noted.
type guardedStore struct {
	store  Store
	wait   time.Duration // of one operation
	health *storeHealth
}

// storeHealth is what a Manager knows of its Store. A full one, or a replica, can
// be read and not written: so they fail apart.
type storeHealth struct {
	hook    func(err error) // Hooks.StoreChanged; may be nil
	changes announcer

	mu     sync.Mutex
	reads  operations // guarded by mu
	writes operations // guarded by mu
	// offered (monotonic) is when the next of what is owed may be offered to a
	// Store that fails.
	offered int64 // guarded by mu
}

// operations are those of one kind.
type operations struct {
	failing bool
	trying  bool          // somebody was let through
	delay   time.Duration // the last wait
	until   int64         // monotonic; who can do without does not ask before
}

// newGuardedStore leaves a flight, which may need three operations, time for its
// call.
func newGuardedStore(s Store, h Hooks, p Policy) *guardedStore {
	return &guardedStore{s, min(storeWait, p.FetchTimeout/8), &storeHealth{hook: h.StoreChanged}}
}

// Load implements [Store].
func (s *guardedStore) Load(ctx context.Context, key string) ([]byte, string, error) {
	type found struct {
		value   []byte
		version string
	}
	got, err := guarded(ctx, s, &s.health.reads, nil, func(ctx context.Context) (found, error) {
		value, version, err := s.store.Load(ctx, key)
		if err == nil && version == "" {
			err = errNoVersion
		}
		return found{value, version}, err
	})
	return got.value, got.version, err
}

// Save implements [Store].
func (s *guardedStore) Save(ctx context.Context, key string, value []byte, version string, lifetime time.Duration) (string, error) {
	return guarded(ctx, s, &s.health.writes, secretsOf(value), func(ctx context.Context) (string, error) {
		saved, err := s.store.Save(ctx, key, value, version, lifetime)
		if err == nil && saved == "" {
			err = errNoVersion
		}
		return saved, err
	})
}

// Delete implements [Store].
func (s *guardedStore) Delete(ctx context.Context, key, version string) error {
	_, err := guarded(ctx, s, &s.health.writes, nil, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, s.store.Delete(ctx, key, version)
	})
	return err
}

// guarded is one operation. Its error is one of the sentinels, an *unreadable, or
// trouble.
func guarded[T any](ctx context.Context, s *guardedStore, of *operations, secrets []string, f func(context.Context) (T, error)) (T, error) {
	bounded, cancel := context.WithTimeout(ctx, s.wait)
	defer cancel()
	got, err := contained(bounded, func() (T, error) {
		got, err := f(bounded)
		return got, sorted(err)
	})
	if err == nil || ctx.Err() == nil { // else it was given up
		s.health.note(of, err, secrets)
	}
	return got, err
}

var errNoVersion = errors.New("it gave a record without a version")

// secretsOf are those of a record, which an error may repeat.
func secretsOf(value []byte) []string {
	if t := decodeFleetToken(value); t != nil {
		return []string{t.AccessToken}
	}
	if r, err := decodeRecord(value); err == nil {
		return r.secrets()
	}
	return nil
}

// storeFault is trouble as a Store told it. It is looked into where a panic in
// code of others does no harm.
type storeFault struct{ err error }

func (*storeFault) Error() string { return "the Store failed" }

// sorted calls code of others.
func sorted(err error) error {
	if err == nil {
		return nil
	}
	if sealed, ok := errors.AsType[*unreadable](err); ok {
		return sealed
	}
	for _, said := range []error{ErrNotFound, ErrConflict} {
		if errors.Is(err, said) {
			return said
		}
	}
	return &storeFault{err}
}

// admitsOwed reports whether what a login owes may be offered: while the Store
// fails, one of them is in a second, however many there are.
func (h *storeHealth) admitsOwed() (admitted, failing bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.reads.failing && !h.writes.failing {
		return true, false
	}
	now := readClocks().mono
	if now < h.offered {
		return false, true
	}
	h.offered = now + int64(time.Second)
	return true, true
}

// fails reports whether operations of a kind failed when they were tried last.
func (h *storeHealth) fails(of *operations) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return of.failing
}

// admits reports whether an operation may be tried by who can do without. While
// they fail it lets one through now and then.
func (h *storeHealth) admits(of *operations) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := readClocks()
	switch {
	case !of.failing:
		return true
	case now.mono < of.until:
		return false
	}
	of.until, of.trying = now.mono+int64(2*storeWait), true
	return true
}

// note is told what came of an operation. That a record was not there to be
// changed does not say that it could have been.
func (h *storeHealth) note(of *operations, err error, secrets []string) {
	_, sealed := err.(*unreadable)
	said := sealed || err == ErrNotFound || err == ErrConflict
	if said && of == &h.writes {
		return
	}
	trouble := err != nil && !said
	h.mu.Lock()
	defer h.mu.Unlock()
	before, back := h.reads.failing || h.writes.failing, of.failing && !trouble
	known := of.failing && !of.trying // it was tried before that was known, or by who cannot do without
	of.failing, of.trying = trouble, false
	switch {
	case trouble && known:
	case trouble:
		of.delay = min(max(time.Second, 2*of.delay), longestStoreDelay)
		of.until = readClocks().mono + int64(jitter(of.delay, 0.3))
	case back: // and where it can be read it may be written
		h.reads.delay, h.reads.until, h.writes.delay, h.writes.until = 0, 0, 0, 0
	}
	if h.hook == nil || before == (h.reads.failing || h.writes.failing) {
		return
	}
	h.changes.announce(func() {
		if trouble {
			h.hook(fmt.Errorf("authtrip: %w", storeTrouble(err, secrets...)))
		} else {
			h.hook(nil)
		}
	})
}

// storeError is trouble with the Store.
type storeError struct{ *callError }

// storeTrouble is what a Store said, without what it repeated of a record. It
// calls the user's code.
func storeTrouble(err error, secrets ...string) error {
	if fault, ok := err.(*storeFault); ok {
		err = fault.err
	}
	return &storeError{describe("the Store: ", err, func(text string) string { return scrub(withoutRecord(text), secrets) })}
}

// tellStoreFailed tells the hook of a record that could not be read or saved,
// and returns the error without secrets. It calls the user's code, contained.
func (m *Manager) tellStoreFailed(c *client, err error, secrets []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), storeWait)
	defer cancel()
	told, broken := contained(ctx, func() (error, error) {
		told := &at{registration: c.ID, server: c.server, err: storeTrouble(err, secrets...)}
		if f := m.hooks.StoreFailed; f != nil {
			f(c.ID, told)
		}
		return told, nil
	})
	if broken != nil {
		return fmt.Errorf("the Store failed, and so did telling of it: %w", broken)
	}
	return told
}
