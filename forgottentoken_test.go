package authtrip_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
)

// pushOut has others log in until who was there before is forgotten.
func (s *server) pushOut(t *testing.T, m *authtrip.Manager) {
	t.Helper()
	for i := range 8 {
		who := fmt.Sprint("another-", i)
		s.login(t, of(t, m, who), who)
		settle(2 * time.Millisecond)
	}
}

// The entry is forgotten between the look at its token and the answer that
// rejects it: the request is sent again all the same.
func TestI06_ARejectionOfAForgottenTokenIsAnswered(t *testing.T) {
	for _, scopes := range [][]string{nil, {"less"}} {
		synctest.Test(t, func(t *testing.T) {
			s := newServer()
			m := s.manager(t, authtrip.Policy{MaxTokens: 3})
			src := of(t, m, "ann")
			s.login(t, src, "ann")
			ctx := authtrip.WithScopes(authtrip.WithPrincipal(t.Context(), "ann"), scopes...)
			if got, err := s.whoami(ctx, m); got != "ann" || err != nil {
				t.Fatal(got, err)
			}
			s.endAccess()
			calls, sent := s.callCount(), 0
			client := &http.Client{Transport: &authtrip.Transport{Source: m, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
				if sent++; sent == 1 {
					s.pushOut(t, m)
					calls = s.callCount()
				}
				return s.api().RoundTrip(r)
			})}}
			res, err := client.Do(mustRequest(t, http.MethodGet, "https://api.example/", nil).WithContext(ctx))
			if err != nil || res.StatusCode != 200 {
				t.Fatalf("%v, %v", res, err)
			}
			if sent != 2 || s.callCount() != calls+1 || s.reuses() != 0 {
				t.Fatalf("sent %d times, %d token calls, %d reuses", sent, s.callCount()-calls, s.reuses())
			}
			if entries, scoped, logins, pins := authtrip.Kept(m); entries > 3 || scoped > 1 || logins != 0 || pins != 0 {
				t.Fatalf("%d entries, %d scoped, %d logins, %d pins", entries, scoped, logins, pins)
			}
		})
	}
}

// With room for one token every request pushes out another's.
func TestRoomForOneTokenServesAll(t *testing.T) {
	s := newServer()
	m := s.manager(t, authtrip.Policy{MaxTokens: 1})
	const principals = 50
	for i := range principals {
		s.login(t, of(t, m, fmt.Sprint(i)), fmt.Sprint(i))
	}
	var all sync.WaitGroup
	for i := range principals {
		all.Go(func() {
			for range 10 {
				s.mustBe(t, of(t, m, fmt.Sprint(i)), fmt.Sprint(i))
			}
		})
	}
	all.Wait()
	if s.callCount() != principals || s.reuses() != 0 {
		t.Fatalf("%d token calls: the Store has all", s.callCount()-principals)
	}
}

// Close while tokens are pushed out and come back: nobody gets one afterwards,
// and nothing stays.
func TestI01_CloseBesideForgettingLeavesNothing(t *testing.T) {
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			s := newServer()
			m := s.manager(t, authtrip.Policy{MaxTokens: 3})
			const principals = 12
			for i := range principals {
				s.login(t, of(t, m, fmt.Sprint(i)), fmt.Sprint(i))
			}
			var crowd sync.WaitGroup
			for g := range 8 {
				crowd.Go(func() {
					for n := 0; ; n++ {
						who := fmt.Sprint((g + n) % principals)
						switch got, err := s.whoami(authtrip.WithPrincipal(context.Background(), who), m); {
						case errors.Is(err, authtrip.ErrClosed):
							return
						case got != who || err != nil:
							t.Errorf("%q got %q, %v", who, got, err)
							return
						}
					}
				})
			}
			_ = m.Close()
			crowd.Wait()
			synctest.Wait() // for flights whose callers left
			if _, _, logins, pins := authtrip.Kept(m); logins != 0 || pins != 0 {
				t.Fatalf("%d logins and %d pins are left", logins, pins)
			}
		})
	}
}

// Whoever began the flight has left, and so many others came that the token
// would be forgotten: not before the flight is over.
func TestI02_AFlightThatNobodyWaitsForKeepsItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		m := s.manager(t, authtrip.Policy{MaxTokens: 3}, authtrip.WithPlaintextStore(store))
		src := of(t, m, "ann")
		s.login(t, src, "ann")
		settle(time.Hour)
		calls := s.callCount()
		s.befall(func(n int, _ *http.Request) error {
			if n == calls+1 {
				time.Sleep(5 * time.Second)
			}
			return nil
		}, nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := src.Token(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		s.pushOut(t, m)
		settle(10 * time.Second)
		store.breakDown(down)
		s.mustBe(t, src, "ann")
		if s.callCount() != calls+9 || s.reuses() != 0 {
			t.Fatalf("%d calls, %d reuses", s.callCount()-calls, s.reuses())
		}
	})
}
