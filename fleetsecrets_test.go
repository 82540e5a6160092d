package authtrip_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
)

// partStore's errors repeat a part of what was to be saved.
type partStore struct {
	authtrip.Store
	how func(string) string
}

func TestI14_AStoresErrorThatRepeatsAPartOfARecord(t *testing.T) {
	for name, how := range map[string]func(string) string{
		"middle":   func(v string) string { return v[9:] },
		"ellipsis": func(v string) string { return "…" + v[strings.Index(v, "access_token"):] },
		"array":    func(v string) string { return fmt.Sprintf("%#v", []byte(v)) },
		"spaced":   func(v string) string { return fmt.Sprintf("% x", v) },
		"escaped":  func(v string) string { return strings.ReplaceAll(v, `"`, `\x22`) },
		"octal":    func(v string) string { return strings.ReplaceAll(v, `{`, `\173`) },
	} {
		t.Run(name, func(t *testing.T) {
			inFleet(t, 0, func(t *testing.T, f *fleet) {
				m := f.join(authtrip.WithPlaintextStore(&partStore{authtrip.NewMemoryStore(0), how}))
				tok, err := m.src.Token(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if len(m.changes) == 0 {
					t.Fatal("told nothing")
				}
				text := m.changes[0].Error()
				if strings.Contains(text, tok.AccessToken()) || strings.Contains(text, fmt.Sprintf("% x", tok.AccessToken())) ||
					strings.Contains(text, strings.Trim(fmt.Sprintf("%#v", []byte(tok.AccessToken())), "[]byte{}")) {
					t.Errorf("it shows the token: %s", text)
				}
			})
		})
	}
}

// StoreChanged is told of users' records too: it may show no refresh token.
func TestI14_StoreChangedShowsNoRefreshToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var told []error
		s, store := newServer(), newSpyStore()
		hooks := authtrip.Hooks{StoreChanged: func(err error) { mu.Lock(); defer mu.Unlock(); told = append(told, err) }}
		src := of(t, s.manager(t, authtrip.WithPlaintextStore(store), hooks), "ann")
		s.login(t, src, "ann")
		part := &partStore{store, func(v string) string { return v[9:] }}
		src = of(t, s.manager(t, authtrip.WithPlaintextStore(part), hooks), "ann")
		settle(time.Hour)
		_, _ = src.Token(t.Context())
		synctest.Wait()
		settle(10 * time.Second)
		mu.Lock()
		defer mu.Unlock()
		held := store.holds("ann")
		token := held[strings.Index(held, `"refresh_token":"`)+len(`"refresh_token":"`):]
		token = token[:strings.Index(token, `"`)]
		if len(told) == 0 {
			t.Fatal("told nothing")
		}
		for _, err := range told {
			if err != nil && strings.Contains(err.Error(), token) {
				t.Errorf("it shows the refresh token: %v", err)
			}
		}
	})
}

func (s *partStore) Save(_ context.Context, _ string, value []byte, _ string, _ time.Duration) (string, error) {
	if strings.Contains(string(value), "access_token") {
		return "", errors.New("Failing row contains (" + s.how(string(value)) + ")")
	}
	return "v", nil
}

func TestI14_AStoresErrorThatRepeatsAFleetsTokenShowsNone(t *testing.T) {
	inFleet(t, 1, func(t *testing.T, f *fleet) {
		store := &echoStore{Store: authtrip.NewMemoryStore(0)}
		store.echo.Store(true)
		m := f.join(authtrip.WithPlaintextStore(store))
		tok, err := m.src.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		m.wantChanges(t, "is too long")
		if text := m.changes[0].Error(); strings.Contains(text, tok.AccessToken()) {
			t.Errorf("it shows the token: %s", text)
		}
	})
}
