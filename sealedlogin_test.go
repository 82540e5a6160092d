package authtrip_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
)

// Whatever was done to it, its key may come back, or the Store from a backup.
func TestI17_ALoginThatCannotBeOpenedIsLeftAsItIs(t *testing.T) {
	for name, c := range map[string]struct {
		keys  authtrip.Encryption
		spoil func(ann, bob string) string
		says  string
	}{
		"its key is missing": {sealedBy(2), func(ann, _ string) string { return ann }, "a key that is not among Encryption.Keys: give the key back there"},
		"changed":            {sealedBy(1), func(ann, _ string) string { return flip(ann, len(ann)/2) }, "changed"},
		"cut short":          {sealedBy(1), func(ann, _ string) string { return ann[:len(ann)-1] }, "cut short"},
		"almost nothing":     {sealedBy(1), func(ann, _ string) string { return ann[:8] }, "cut short"},
		"empty":              {sealedBy(1), func(string, string) string { return "" }, "cut short"},
		"another's":          {sealedBy(1), func(_, bob string) string { return bob }, "another's"},
		"of a newer form":    {sealedBy(1), func(ann, _ string) string { return "\x02" + ann[1:] }, "a newer version"},
		"in plain text":      {sealedBy(1), func(string, string) string { return `{"form":1,"refresh_token":"forged"}` }, "no form that is known"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, store := newServer(), newShelf()
				before := s.manager(t, authtrip.WithStore(store), sealedBy(1))
				s.login(t, of(t, before, "ann"), "ann")
				s.login(t, of(t, before, "bob"), "bob")
				ann := store.holds(store.names[0])
				spoiled := c.spoil(ann, store.holds(store.names[1]))
				store.put(t, store.names[0], spoiled)

				told := 0
				m := s.manager(t, authtrip.WithStore(store), c.keys, authtrip.Hooks{StoreFailed: func(id string, err error) {
					told++
					if wantAll(t, err, c.says, store.names[0]); id != "users" {
						t.Errorf("told of registration %q", id)
					}
				}})
				src, calls := of(t, m, "ann"), s.callCount()
				_, byRequest := s.whoami(t.Context(), src)
				for _, err := range []error{byRequest, src.ExchangeCode(t.Context(), s.code("ann"), nil), src.Revoke(t.Context())} {
					wantAll(t, err, `registration "users"`, c.says, store.names[0], "the login is left as it is: when the record is deleted, its user can log in anew")
					if strings.Contains(err.Error(), "CANARY") {
						t.Errorf("it shows a token: %v", err)
					}
				}
				if store.holds(store.names[0]) != spoiled || s.callCount() != calls || told < 3 {
					t.Fatalf("it was written over, %d calls were made, or it was not told: %d", s.callCount()-calls, told)
				}

				// The record is as it was again, or is deleted.
				if c.keys.Keys[0].Reveal() == sealingKey(1).Reveal() {
					store.put(t, store.names[0], ann)
					s.mustBe(t, of(t, s.manager(t, authtrip.WithStore(store), sealedBy(1)), "ann"), "ann")
				}
				_, version, _ := store.Load(t.Context(), store.names[0])
				if err := store.Delete(t.Context(), store.names[0], version); err != nil {
					t.Fatal(err)
				}
				again := of(t, s.manager(t, authtrip.WithStore(store), c.keys), "ann")
				s.login(t, again, "ann")
				s.mustBe(t, again, "ann")
			})
		})
	}
}

func TestAUserWhoseRecordCannotBeOpenedIsServedWithTheTokenInUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newShelf()
		src := of(t, s.manager(t, authtrip.WithStore(store), sealedBy(1)), "ann")
		s.login(t, src, "ann")
		name := store.names[0]
		good := store.holds(name)
		store.put(t, name, flip(good, len(good)-1))
		settle(50 * time.Minute) // stale, and not renewed
		for range 5 {
			s.mustBe(t, src, "ann")
			settle(time.Minute)
		}
		store.put(t, name, good)
		settle(time.Hour)
		s.mustBe(t, src, "ann")
		if s.reuses() != 0 {
			t.Fatalf("%d reuses", s.reuses())
		}
	})
}

// The way out when all keys are lost, and what comes of beginning to encrypt.
func TestWithOtherNamesAllLogInAnewAndCan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newShelf()
		for name, option := range map[string][]authtrip.Option{
			"in plain text":    {authtrip.WithPlaintextStore(store)},
			"encrypted":        {authtrip.WithStore(store), sealedBy(1)},
			"another NameKey":  {authtrip.WithStore(store), authtrip.Encryption{Keys: []authtrip.Secret{sealingKey(1)}, NameKey: sealingKey(2)}},
			"another sole key": {authtrip.WithStore(store), authtrip.Encryption{Keys: []authtrip.Secret{sealingKey(3)}}},
		} {
			src := of(t, s.manager(t, option...), "ann")
			if _, err := s.whoami(t.Context(), src); !errors.Is(err, authtrip.ErrAuthorizationRequired) {
				t.Fatalf("%s: %v, want ErrAuthorizationRequired", name, err)
			}
			s.login(t, src, "ann")
			s.mustBe(t, src, "ann")
		}
	})
}

// Otherwise whoever can write to the Store could have a code sent twice.
func TestAFlowIsUsedAlsoWhenItsMarkCannotBeOpened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, spoil := range map[string]func(string) string{
			"changed": func(mark string) string { return flip(mark, len(mark)-1) },
			"empty":   func(string) string { return "" },
		} {
			s, store := newServer(), newShelf()
			m := s.manager(t, authtrip.WithStore(store), sealedBy(1))
			flow, q := begin(t, of(t, m, "ann"))
			callback := url.Values{"state": q["state"], "code": {s.code("ann")}}
			if err := of(t, m, "ann").Exchange(t.Context(), flow, callback); err != nil {
				t.Fatal(err)
			}
			mark := ""
			for _, name := range store.names {
				if _, _, err := store.Load(context.Background(), name); err == nil && len(store.holds(name)) < 50 {
					mark = name
				}
			}
			store.put(t, mark, spoil(store.holds(mark)))
			calls := s.callCount()
			callback.Set("code", s.code("ann"))
			wantAll(t, of(t, m, "bob").Exchange(t.Context(), flow, callback), "the Flow was used already")
			if s.callCount() != calls {
				t.Errorf("%s: the code was sent", name)
			}
		}
	})
}

// flip is text with one bit of its ith byte changed.
func flip(text string, i int) string {
	b := []byte(text)
	b[i] ^= 1
	return string(b)
}
