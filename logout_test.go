package authtrip_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
)

func TestI17_RevokeEndsTheLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		m := s.manager(t, authtrip.WithStore(store))
		src := of(t, m, "ann")
		s.login(t, src, "ann")
		s.login(t, of(t, m, "bob"), "bob")
		ctx := authtrip.WithScopes(authtrip.WithPrincipal(t.Context(), "ann"), "less")
		if got, err := s.whoami(ctx, m); got != "ann" || err != nil {
			t.Fatal(got, err)
		}
		refresh := s.live("ann")
		access, _ := src.Token(t.Context())
		if err := src.Revoke(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(s.revoked, " "); got != "refresh_token:"+refresh+" access_token:"+access.AccessToken() {
			t.Fatalf("revoked %s", got)
		}
		for _, a := range []struct {
			ctx context.Context
			of  authtrip.Authorizer
		}{{t.Context(), src}, {ctx, m}} {
			if _, err := s.whoami(a.ctx, a.of); !errors.Is(err, authtrip.ErrAuthorizationRequired) {
				t.Fatalf("%v, want ErrAuthorizationRequired", err)
			}
		}
		store.wantEnded(t, "ann")
		s.mustBe(t, of(t, m, "bob"), "bob")
	})
}

func TestI17_RevokeWhileARefreshIsUnderWayEndsWhatItBrings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		m := s.manager(t, authtrip.WithStore(store))
		src := of(t, m, "ann")
		s.login(t, src, "ann")
		settle(time.Hour)
		s.befall(slowly(time.Second), nil)
		go func() { _, _ = s.whoami(context.Background(), src) }()
		synctest.Wait()
		if err := src.Revoke(t.Context()); err != nil {
			t.Fatal(err)
		}
		if live := s.live("ann"); live != "" {
			t.Fatalf("the server still has %s", live)
		}
		if _, err := s.whoami(t.Context(), src); !errors.Is(err, authtrip.ErrAuthorizationRequired) {
			t.Fatalf("%v, want ErrAuthorizationRequired", err)
		}
	})
}

func TestI17_ALogoutThatTheStoreRefusesIsNotUndone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		m := s.manager(t, authtrip.WithStore(store))
		src := of(t, m, "ann")
		s.login(t, src, "ann")
		store.breakDown(func(op string) error {
			if op == "save" {
				return errors.New("read only")
			}
			return nil
		})
		if err := src.Revoke(t.Context()); err == nil || !strings.Contains(err.Error(), "read only") {
			t.Fatalf("%v, want the Store's error", err)
		}
		if got, err := s.whoami(t.Context(), src); err == nil {
			t.Fatalf("logged out, and the API saw %s", got)
		}
		store.breakDown(nil)
		if _, err := s.whoami(t.Context(), src); !errors.Is(err, authtrip.ErrAuthorizationRequired) {
			t.Fatalf("%v, want ErrAuthorizationRequired", err)
		}
		store.wantEnded(t, "ann")
	})
}
