package authtrip_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
)

// sealingKey is the nth key: 32 bytes of n.
func sealingKey(n byte) authtrip.Secret {
	return authtrip.NewSecret(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{n}, 32)))
}

// sealedBy is the Encryption whose names are the first key's.
func sealedBy(keys ...byte) authtrip.Encryption {
	e := authtrip.Encryption{NameKey: sealingKey(1)}
	for _, n := range keys {
		e.Keys = append(e.Keys, sealingKey(n))
	}
	return e
}

// shelf is a memory Store that remembers what was ever written to it, and
// where a test changes records.
type shelf struct {
	authtrip.Store
	mu     sync.Mutex
	names  []string          // guarded by mu
	latest map[string]string // guarded by mu; the value under each name
	seen   []string          // guarded by mu; all names and values
	fails  bool              // guarded by mu; saves do, with an error that repeats all
}

func newShelf() *shelf {
	return &shelf{Store: authtrip.NewMemoryStore(0), latest: map[string]string{}}
}

func (s *shelf) Save(ctx context.Context, key string, value []byte, version string, lifetime time.Duration) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails {
		return "", fmt.Errorf("no room for %s: %s", key, value)
	}
	got, err := s.Store.Save(ctx, key, value, version, lifetime)
	if err == nil {
		if s.seen = append(s.seen, key, string(value)); !slices.Contains(s.names, key) {
			s.names = append(s.names, key)
		}
		s.latest[key] = string(value)
	}
	return got, err
}

// put writes value over the record under name, whoever wrote that.
func (s *shelf) put(t *testing.T, name, value string) {
	t.Helper()
	_, version, _ := s.Load(context.Background(), name)
	if _, err := s.Save(context.Background(), name, []byte(value), version, 0); err != nil {
		t.Fatal(err)
	}
}

func (s *shelf) holds(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.latest[name]
}

func TestTheStoreOfAnEncryptedManagerTellsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newShelf()
		var told []error
		m := s.manager(t, authtrip.WithStore(store), sealedBy(1), authtrip.Hooks{StoreFailed: func(_ string, err error) { told = append(told, err) }})
		src := of(t, m, "ann@example.org")
		flow, q := begin(t, src)
		if err := src.Exchange(t.Context(), flow, url.Values{"state": q["state"], "code": {s.code("ann")}}); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			settle(time.Hour)
			s.mustBe(t, src, "ann")
		}
		if err := src.Revoke(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(store.names) != 2 || len(store.seen) < 10 {
			t.Fatalf("written under %q", store.names)
		}
		for _, text := range store.seen {
			for _, part := range []string{"CANARY", "ann", "example", "users", "login", "flow", "token", "form", q.Get("state")} {
				for _, written := range []string{part, base64.RawStdEncoding.EncodeToString([]byte(part)), fmt.Sprintf("%x", part)} {
					if strings.Contains(text, written) {
						t.Errorf("the Store was shown %q in %q", part, text)
					}
				}
			}
		}
		for _, name := range store.names {
			if len(name) != 43 {
				t.Errorf("the length of the name %q tells something", name)
			}
		}
		// Nor does an error that repeats what the Store was given.
		store.fails = true
		told = append(told, src.ExchangeCode(t.Context(), s.code("ann"), nil))
		for _, err := range told {
			if wantAll(t, err, "no room for"); strings.Contains(fmt.Sprintf("%v %#v", err, err), "ann") {
				t.Errorf("it tells who: %v", err)
			}
		}
	})
}

func TestTheKeysAreInNothingThatIsPrinted(t *testing.T) {
	e := sealedBy(1, 2)
	m := newServer().manager(t, authtrip.WithStore(newShelf()), e)
	over, err := e.Over(authtrip.NewMemoryStore(0))
	if err != nil {
		t.Fatal(err)
	}
	type hidden struct {
		e    authtrip.Encryption
		m    *authtrip.Manager
		over authtrip.Store
	}
	for name, v := range map[string]any{
		"Encryption": e, "*Encryption": &e, "as an Option": []authtrip.Option{e}, "Manager": m, "Store": over,
		"under unexported fields": hidden{e, m, over}, "pointer to such": &hidden{e, m, over},
	} {
		for how, text := range everyPrint(v) {
			for n := byte(1); n <= 2; n++ {
				raw := bytes.Repeat([]byte{n}, 32)
				for _, form := range []string{sealingKey(n).Reveal(), string(raw), fmt.Sprintf("%x", raw), strings.Trim(fmt.Sprint(raw), "[]"), fmt.Sprintf("%x", sealingKey(n).Reveal())} {
					if strings.Contains(text, form) {
						t.Fatalf("%s by %s shows a key: %.300q", name, how, text)
					}
				}
			}
		}
	}
}

func TestWhoSharesAnEncryptedStoreSharesLogins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newShelf()
		one := of(t, s.manager(t, authtrip.WithStore(store), sealedBy(1)), "ann")
		two := of(t, s.manager(t, authtrip.WithStore(store), authtrip.Encryption{Keys: []authtrip.Secret{sealingKey(1)}}), "ann")
		s.login(t, one, "ann")
		for range 3 {
			s.mustBe(t, two, "ann")
			s.mustBe(t, one, "ann")
			settle(time.Hour)
		}
		if s.reuses() != 0 || s.callCount() != 3 {
			t.Fatalf("%d calls, %d reuses", s.callCount(), s.reuses())
		}
	})
}

// Half of a fleet is always a step behind.
func TestAKeyIsReplacedAndNobodyIsLoggedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newShelf()
		quiet := authtrip.Hooks{StoreFailed: func(_ string, err error) { t.Errorf("told of %v", err) }}
		before := authtrip.Encryption{Keys: []authtrip.Secret{sealingKey(1)}}
		s.login(t, of(t, s.manager(t, authtrip.WithStore(store), before), "ann"), "ann")
		for i, after := range []authtrip.Encryption{sealedBy(1), sealedBy(1, 2), sealedBy(2, 1), sealedBy(2)} {
			for range 2 {
				for _, e := range []authtrip.Encryption{before, after} {
					settle(time.Hour)
					s.mustBe(t, of(t, s.manager(t, authtrip.WithStore(store), e, quiet), "ann"), "ann")
				}
			}
			if t.Failed() {
				t.Fatalf("at step %d", i+1)
			}
			before = after
		}
		if s.reuses() != 0 || len(store.names) != 1 {
			t.Fatalf("%d reuses, records %q", s.reuses(), store.names)
		}
	})
}

// What can be got anew is written over: the version is there for that.
func TestAnUnreadableRecordComesWithItsVersion(t *testing.T) {
	store := newShelf()
	first, _ := sealedBy(1).Over(store)
	second, _ := sealedBy(2).Over(store)
	if _, err := first.Save(t.Context(), "key", []byte("value"), "", 0); err != nil {
		t.Fatal(err)
	}
	_, version, err := second.Load(t.Context(), "key")
	if !authtrip.Unreadable(err) || errors.Is(err, authtrip.ErrNotFound) {
		t.Fatalf("%v", err)
	}
	if _, err := second.Save(t.Context(), "key", []byte("another"), version, 0); err != nil {
		t.Fatal(err)
	}
	if value, _, err := second.Load(t.Context(), "key"); err != nil || string(value) != "another" {
		t.Fatalf("%q, %v", value, err)
	}
	if _, _, err := second.Load(t.Context(), "no such key"); err != authtrip.ErrNotFound {
		t.Fatalf("%v", err)
	}
}
