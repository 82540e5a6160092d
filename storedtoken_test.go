package authtrip_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
)

func TestI17_ATokenThatWasGivenUpDoesNotComeBackFromTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		src := of(t, s.manager(t), "ann")
		s.login(t, src, "ann")
		first, err := src.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		src.Invalidate(first)
		second, err := src.Token(t.Context())
		if err != nil || second.AccessToken() == first.AccessToken() {
			t.Fatalf("%v, or the same token again", err)
		}
	})
}

// What another process put into the Store may have ended with the token that
// was rejected here: to use it is no reissue that did not help.
func TestI17_ATokenOfTheStoreThatIsRejectedTooIsReplacedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		one, two := of(t, s.manager(t, authtrip.WithStore(store)), "ann"), of(t, s.manager(t, authtrip.WithStore(store)), "ann")
		s.login(t, one, "ann")
		s.mustBe(t, two, "ann")
		settle(time.Second)
		tok, err := two.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		two.Invalidate(tok)
		s.mustBe(t, two, "ann") // a newer one, which is in the Store
		s.endAccess()
		if got, err := s.whoami(t.Context(), one); got != "Unauthorized" || err != nil {
			t.Fatalf("%q, %v; want the second rejection", got, err)
		}
		s.mustBe(t, one, "ann")
		if s.callCount() != 3 || s.reuses() != 0 {
			t.Fatalf("%d calls, %d reuses", s.callCount(), s.reuses())
		}
	})
}

func TestATokenWithoutARefreshTokenIsKeptInTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		s.noRefresh = true
		m := s.manager(t, authtrip.WithStore(store), authtrip.Policy{MaxTokens: 2})
		s.login(t, of(t, m, "ann"), "ann")
		for i := range 10 {
			s.login(t, of(t, m, fmt.Sprint(i)), fmt.Sprint(i)) // ann's entry is forgotten
		}
		s.mustBe(t, of(t, m, "ann"), "ann")
		s.mustBe(t, of(t, s.manager(t, authtrip.WithStore(store)), "ann"), "ann") // after a restart
		if s.callCount() != 11 {
			t.Fatalf("%d calls", s.callCount())
		}
		// It is good for its own scopes only.
		ctx := authtrip.WithScopes(authtrip.WithPrincipal(t.Context(), "ann"), "admin")
		if _, err := s.whoami(ctx, m); !errors.Is(err, authtrip.ErrAuthorizationRequired) {
			t.Fatalf("%v, want ErrAuthorizationRequired", err)
		}
		settle(time.Hour - time.Second)
		for _, m := range []*authtrip.Manager{m, s.manager(t, authtrip.WithStore(store))} {
			_, err := s.whoami(t.Context(), of(t, m, "ann"))
			if m != nil && err != nil && !errors.Is(err, authtrip.ErrAuthorizationRequired) {
				t.Fatalf("%v, want ErrAuthorizationRequired", err)
			}
		}
		settle(time.Second)
		for _, m := range []*authtrip.Manager{m, s.manager(t, authtrip.WithStore(store))} {
			if _, err := s.whoami(t.Context(), of(t, m, "ann")); !errors.Is(err, authtrip.ErrAuthorizationRequired) {
				t.Fatalf("%v, want ErrAuthorizationRequired", err)
			}
		}
		if got := store.holds("ann"); !strings.Contains(got, authtrip.ErrNotFound.Error()) {
			t.Fatalf("the Store still holds %s", got)
		}
	})
}
