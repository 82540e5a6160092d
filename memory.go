package authtrip

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"sync"
	"time"
)

// defaultCapacity is how many records a memory Store holds.
const defaultCapacity = 1_000_000

// memoryStore keeps records in a map.
type memoryStore struct {
	capacity int

	mu      sync.Mutex
	records map[string]memoryRecord // guarded by mu
	passing int                     // guarded by mu; how many of records expire
	sweepAt int                     // guarded by mu; how many there may be before those that expired go
	swept   time.Time               // guarded by mu
}

type memoryRecord struct {
	value   *[]byte // a pointer, so that dumps do not show it
	version string
	expiry  time.Time // zero: never
}

func (r memoryRecord) expired(now time.Time) bool { return r.passes() && !now.Before(r.expiry) }

func (r memoryRecord) passes() bool { return !r.expiry.IsZero() }

// NewMemoryStore returns a Store that keeps logins in memory, up to capacity of
// them, for one process, until it ends; 0 is a million. One takes some 400 bytes
// besides the tokens. Records that expire, as marks of used flows and clients'
// tokens do, have as many places of their own. When the places are taken it refuses another key
// with an error: no principal's refresh token is given up for another's.
func NewMemoryStore(capacity int) Store {
	if capacity <= 0 {
		capacity = defaultCapacity
	}
	return &memoryStore{capacity: capacity, records: map[string]memoryRecord{}, sweepAt: 1024}
}

// Load implements [Store].
func (s *memoryStore) Load(ctx context.Context, key string) ([]byte, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.records[key]
	if !ok || r.expired(time.Now()) {
		return nil, "", ErrNotFound
	}
	return slices.Clone(*r.value), r.version, ctx.Err()
}

// Save implements [Store].
func (s *memoryStore) Save(ctx context.Context, key string, value []byte, version string, lifetime time.Duration) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return "", err
	}
	now := time.Now()
	s.sweep(now)
	old := s.records[key]
	if old.expired(now) {
		s.remove(key)
		old = memoryRecord{}
	}
	value = slices.Clone(value)
	r := memoryRecord{value: &value, version: rand.Text()}
	if lifetime > 0 {
		r.expiry = now.Add(lifetime)
	}
	if old.version != version {
		return "", ErrConflict
	}
	if places := s.taken(r.passes()); places >= s.capacity && (old.version == "" || old.passes() && !r.passes()) {
		return "", fmt.Errorf("the memory Store is full: it holds %d records; give NewMemoryStore a larger capacity, or use a Store on disk or in a database", places)
	}
	s.remove(key)
	s.records[key] = r
	if r.passes() {
		s.passing++
	}
	return r.version, nil
}

// taken is how many places are taken: of those for records that expire, or of
// the others. s.mu is held.
func (s *memoryStore) taken(passing bool) int {
	if passing {
		return s.passing
	}
	return len(s.records) - s.passing
}

// remove removes a record, if there is one. s.mu is held.
func (s *memoryStore) remove(key string) {
	if s.records[key].passes() {
		s.passing--
	}
	delete(s.records, key)
}

// sweep drops what has expired when there are twice as many records that expire
// as were left the last time, or all places are taken; once a second at most.
// s.mu is held.
func (s *memoryStore) sweep(now time.Time) {
	if s.passing < min(s.sweepAt, s.capacity) || now.Sub(s.swept) < time.Second {
		return
	}
	s.swept = now
	for key, r := range s.records {
		if r.expired(now) {
			s.remove(key)
		}
	}
	s.sweepAt = max(1024, 2*s.passing)
}

// Delete implements [Store].
func (s *memoryStore) Delete(ctx context.Context, key, version string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	r, ok := s.records[key]
	switch {
	case !ok || r.expired(time.Now()):
		return ErrNotFound
	case r.version != version:
		return ErrConflict
	}
	s.remove(key)
	return nil
}

// Format keeps the records, and with them principals, out of dumps.
func (s *memoryStore) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("authtrip.NewMemoryStore")) }
