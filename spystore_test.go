package authtrip_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
)

// spyStore is a memory Store that a test can look into, and break.
type spyStore struct {
	authtrip.Store
	mu    sync.Mutex
	fail  func(op string) error // guarded by mu
	saves int                   // guarded by mu
	ops   map[string]int        // guarded by mu; how many of each there were
	keys  map[string]bool       // guarded by mu; all that were to be saved to
	lost  int                   // guarded by mu; how many saves come through without an answer
}

func (s *spyStore) loseAnswers(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost = n
}

func newSpyStore() *spyStore { return &spyStore{Store: authtrip.NewMemoryStore(0)} }

func (s *spyStore) breakDown(f func(op string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = f
}

func (s *spyStore) trouble(op string) error {
	s.mu.Lock()
	f := s.fail
	if op == "save" {
		s.saves++
	}
	if s.ops == nil {
		s.ops = map[string]int{}
	}
	s.ops[op]++
	s.mu.Unlock()
	if f == nil {
		return nil
	}
	return f(op)
}

func (s *spyStore) count(op string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ops[op]
}

func (s *spyStore) Load(ctx context.Context, key string) ([]byte, string, error) {
	if err := s.trouble("load"); err != nil {
		return nil, "", err
	}
	return s.Store.Load(ctx, key)
}

func (s *spyStore) Save(ctx context.Context, key string, value []byte, version string, lifetime time.Duration) (string, error) {
	s.mu.Lock()
	if s.keys == nil {
		s.keys = map[string]bool{}
	}
	s.keys[key] = true
	s.mu.Unlock()
	if err := s.trouble("save"); err != nil {
		return "", err
	}
	got, err := s.Store.Save(ctx, key, value, version, lifetime)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lost > 0 {
		s.lost--
		return "", errors.New("no answer")
	}
	return got, err
}

func (s *spyStore) Delete(ctx context.Context, key, version string) error {
	if err := s.trouble("delete"); err != nil {
		return err
	}
	return s.Store.Delete(ctx, key, version)
}

// holds returns the record of a principal, as text.
func (s *spyStore) holds(principal string) string {
	value, _, err := s.Store.Load(context.Background(), "login/users/"+url.PathEscape(principal))
	if err != nil {
		return err.Error()
	}
	return string(value)
}

// replace puts another refresh token into the Store, as another process would.
func (s *spyStore) replace(t *testing.T, principal, token string) {
	t.Helper()
	s.replaceWith(t, principal, `{"form":1,"refresh_token":"`+token+`"}`)
}

func (s *spyStore) replaceWith(t *testing.T, principal, value string) {
	t.Helper()
	key := "login/users/" + url.PathEscape(principal)
	_, version, _ := s.Store.Load(context.Background(), key)
	if _, err := s.Store.Save(context.Background(), key, []byte(value), version, 0); err != nil {
		t.Error(err)
	}
}

// wantEnded expects that nothing is left of a principal's login but the mark
// that it has ended.
func (s *spyStore) wantEnded(t *testing.T, principal string) {
	t.Helper()
	if got := s.holds(principal); strings.Contains(got, "CANARY") || !strings.Contains(got, `"ended":true`) {
		t.Fatalf("the Store holds %s", got)
	}
}

// once runs f at the nth operation of that name.
func once(op string, n int, f func()) func(string) error {
	return func(got string) error {
		if got == op {
			if n--; n == 0 {
				f()
			}
		}
		return nil
	}
}

// announce puts another process's intent into the record of a principal.
func (s *spyStore) announce(t *testing.T, principal string, until time.Time) {
	t.Helper()
	s.announceFrom(t, principal, time.Now(), until)
}

func (s *spyStore) announceFrom(t *testing.T, principal string, from, until time.Time) {
	t.Helper()
	var record map[string]any
	if err := json.Unmarshal([]byte(s.holds(principal)), &record); err != nil {
		t.Fatal(err)
	}
	record["intent"] = map[string]any{"owner": "another", "from": from.UnixMilli(), "until": until.UnixMilli()}
	value, _ := json.Marshal(record)
	s.replaceWith(t, principal, string(value))
}

// down is a Store that fails, failOnce one that does so once.
func down(string) error { return errors.New("down") }

func failOnce(op string) func(string) error {
	failed := false
	return func(got string) error {
		if got != op || failed {
			return nil
		}
		failed = true
		return errors.New("connection reset by peer")
	}
}

// total is how many operations there were.
func (s *spyStore) total() int { return s.count("load") + s.count("save") + s.count("delete") }
