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

	mu        sync.Mutex
	records   map[string]memoryRecord // guarded by mu
	nextSweep time.Time               // guarded by mu
}

type memoryRecord struct {
	value   *[]byte // a pointer, so that dumps do not show it
	version string
	expiry  time.Time // zero: never
}

func (r memoryRecord) expired(now time.Time) bool { return !r.expiry.IsZero() && !now.Before(r.expiry) }

// NewMemoryStore returns a Store that keeps up to capacity records in memory,
// for one process, until it ends; 0 is a million. A record takes some 200 bytes
// besides the tokens in it. When it is full of records that have not expired it refuses
// another key with an error: no principal's refresh token is given up for
// another's.
func NewMemoryStore(capacity int) Store {
	if capacity <= 0 {
		capacity = defaultCapacity
	}
	return &memoryStore{capacity: capacity, records: map[string]memoryRecord{}}
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
	old, ok := s.records[key]
	if ok && old.expired(now) {
		delete(s.records, key)
		old, ok = memoryRecord{}, false
	}
	switch {
	case old.version != version:
		return "", ErrConflict
	case !ok && !s.hasRoom(now):
		return "", fmt.Errorf("the memory Store is full: it holds %d records; give NewMemoryStore a larger capacity, or use a Store on disk or in a database", s.capacity)
	}
	value = slices.Clone(value)
	r := memoryRecord{value: &value, version: rand.Text()}
	if lifetime > 0 {
		r.expiry = now.Add(lifetime)
	}
	s.records[key] = r
	return r.version, nil
}

// hasRoom makes room, if it can, by dropping what has expired, once a second at
// most. s.mu is held.
func (s *memoryStore) hasRoom(now time.Time) bool {
	if len(s.records) >= s.capacity && !now.Before(s.nextSweep) {
		s.nextSweep = now.Add(time.Second)
		for key, r := range s.records {
			if r.expired(now) {
				delete(s.records, key)
			}
		}
	}
	return len(s.records) < s.capacity
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
	delete(s.records, key)
	return nil
}

// Format keeps the records, and with them principals, out of dumps.
func (s *memoryStore) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("authtrip.NewMemoryStore")) }
