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
}

// operations are those of one kind.
type operations struct {
	failing bool
	delay   time.Duration // the last wait
	until   int64         // monotonic; who can do without does not ask before
}

func newGuardedStore(s Store, h Hooks) *guardedStore {
	return &guardedStore{s, &storeHealth{hook: h.StoreChanged}}
}

// Load implements [Store].
func (s *guardedStore) Load(ctx context.Context, key string) ([]byte, string, error) {
	type found struct {
		value   []byte
		version string
	}
	got, err := guarded(ctx, s.health, &s.health.reads, func(ctx context.Context) (found, error) {
		value, version, err := s.store.Load(ctx, key)
		return found{value, version}, err
	})
	return got.value, got.version, err
}

// Save implements [Store].
func (s *guardedStore) Save(ctx context.Context, key string, value []byte, version string, lifetime time.Duration) (string, error) {
	return guarded(ctx, s.health, &s.health.writes, func(ctx context.Context) (string, error) {
		return s.store.Save(ctx, key, value, version, lifetime)
	})
}

// Delete implements [Store].
func (s *guardedStore) Delete(ctx context.Context, key, version string) error {
	_, err := guarded(ctx, s.health, &s.health.writes, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, s.store.Delete(ctx, key, version)
	})
	return err
}

// guarded is one operation. Its error is one of the sentinels, an *unreadable, or
// trouble.
func guarded[T any](ctx context.Context, h *storeHealth, of *operations, f func(context.Context) (T, error)) (T, error) {
	bounded, cancel := context.WithTimeout(ctx, storeWait)
	defer cancel()
	got, err := contained(bounded, func() (T, error) {
		got, err := f(bounded)
		return got, sorted(err)
	})
	if err == nil || ctx.Err() == nil { // else it was given up
		h.note(of, err)
	}
	return got, err
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

// fails reports whether operations of a kind failed when they were tried last.
func (h *storeHealth) fails(of *operations) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return of.failing
}

// refused reports whether operations of a kind fail, and are not to be tried
// now by who can do without. Who is let through while they fail is the only one
// for a while.
func (h *storeHealth) refused(of *operations) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := readClocks()
	switch {
	case !of.failing:
		return false
	case now.mono < of.until:
		return true
	}
	of.until = now.mono + int64(2*storeWait)
	return false
}

// note is told what came of an operation. That a record was not there to be
// changed does not say that it could have been.
func (h *storeHealth) note(of *operations, err error) {
	_, sealed := err.(*unreadable)
	said := sealed || err == ErrNotFound || err == ErrConflict
	if said && of == &h.writes {
		return
	}
	trouble := err != nil && !said
	h.mu.Lock()
	defer h.mu.Unlock()
	before := h.reads.failing || h.writes.failing
	of.failing = trouble
	if trouble {
		of.delay = min(max(time.Second, 2*of.delay), longestStoreDelay)
		of.until = readClocks().mono + int64(jitter(of.delay, 0.3))
	} else {
		of.delay = 0
	}
	if h.hook == nil || before == (h.reads.failing || h.writes.failing) {
		return
	}
	h.changes.announce(func() {
		if trouble {
			h.hook(fmt.Errorf("authtrip: %w", storeTrouble(err)))
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
