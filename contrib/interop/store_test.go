package interop_test

import (
	"bytes"
	"context"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
)

// recordingStore is a memory Store that can be looked into.
type recordingStore struct {
	authtrip.Store

	mu   sync.Mutex
	held map[string][]byte // guarded by mu; by key
}

func newRecordingStore() *recordingStore {
	return &recordingStore{Store: authtrip.NewMemoryStore(0), held: map[string][]byte{}}
}

func (s *recordingStore) Save(ctx context.Context, key string, value []byte, version string, lifetime time.Duration) (string, error) {
	s.mu.Lock() // so that held has what the Store has
	defer s.mu.Unlock()
	version, err := s.Store.Save(ctx, key, value, version, lifetime)
	if err == nil {
		s.held[key] = bytes.Clone(value)
	}
	return version, err
}

func (s *recordingStore) Delete(ctx context.Context, key, version string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.Store.Delete(ctx, key, version)
	if err == nil {
		delete(s.held, key)
	}
	return err
}

func (s *recordingStore) records() map[string][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.held)
}

// keysOf returns the keys of the records that hold a token.
func (s *recordingStore) keysOf(token string) (keys []string) {
	for key, value := range s.records() {
		if bytes.Contains(value, []byte(token)) {
			keys = append(keys, key)
		}
	}
	return keys
}

// wantOnly expects the refresh token that the server issued last in one record,
// and none of those before it.
func (s *recordingStore) wantOnly(t *testing.T, w *world) {
	t.Helper()
	newest, old := w.newestRefresh()
	if keys := s.keysOf(newest); len(keys) != 1 {
		t.Errorf("the Store has the newest refresh token under %q, want one key", keys)
	}
	for i, token := range old {
		if keys := s.keysOf(token); keys != nil {
			t.Errorf("the Store has refresh token %d of %d, rotated away, under %q", i, len(old), keys)
		}
	}
}
