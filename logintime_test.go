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

// A call that spends a code or a refresh token has its whole time, whatever
// was waited for before: an answer that comes too late is a login that is lost.

func TestI17_WhoWaitedForAnotherRefreshStillHasTheWholeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		m := s.manager(t)
		s.login(t, of(t, m, "ann"), "ann")
		s.befall(slowly(6*time.Second), nil)
		ctx := authtrip.WithPrincipal(t.Context(), "ann")
		start := time.Now()
		go func() { _, _ = s.whoami(authtrip.WithScopes(ctx, "a"), m) }()
		synctest.Wait()
		if got, err := s.whoami(authtrip.WithScopes(ctx, "b"), m); got != "ann" || err != nil || time.Since(start) != 12*time.Second {
			t.Fatalf("%q, %v after %v; want the answer after two calls of 6 s", got, err, time.Since(start))
		}
		if s.callCount() != 3 || s.reuses() != 0 {
			t.Fatalf("%d calls, %d reuses", s.callCount(), s.reuses())
		}
	})
}

func TestI17_ACodeThatWaitedForARefreshStillHasTheWholeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		src := of(t, s.manager(t), "ann")
		s.login(t, src, "ann")
		settle(time.Hour)
		s.befall(slowly(9*time.Second), nil)
		go func() { _, _ = s.whoami(context.Background(), src) }()
		synctest.Wait()
		s.login(t, src, "ann")
		s.mustBe(t, src, "ann")
		if s.callCount() != 3 || s.reuses() != 0 {
			t.Fatalf("%d calls, %d reuses", s.callCount(), s.reuses())
		}
	})
}

func TestI17_SlowCredentialsTakeNothingFromTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		s.login(t, of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann"), "ann")
		settle(time.Hour)
		// The program starts anew.
		src := of(t, s.managerOf(t, []authtrip.Registration{user(func(r *authtrip.Registration) {
			r.ClientID, r.ClientSecret = "", authtrip.Secret{}
			r.Credentials = func(context.Context) (string, authtrip.Secret, error) {
				time.Sleep(9 * time.Second)
				return "id", authtrip.NewSecret("x"), nil
			}
		})}, authtrip.WithPlaintextStore(store)), "ann")
		s.befall(slowly(9*time.Second), nil)
		s.mustBe(t, src, "ann")
		if s.callCount() != 2 || s.reuses() != 0 {
			t.Fatalf("%d calls, %d reuses", s.callCount(), s.reuses())
		}
	})
}

// The other side of it: whoever has no time left when its turn comes spends
// nothing.
func TestI17_ACodeWhoseTurnComesTooLateIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		src := of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann")
		s.login(t, src, "ann")
		settle(time.Hour)
		s.befall(slowly(9500*time.Millisecond), nil)
		go func() { _, _ = s.whoami(context.Background(), src) }()
		synctest.Wait()
		store.breakDown(func(string) error { time.Sleep(900 * time.Millisecond); return nil })
		code := s.code("ann")
		if err := src.ExchangeCode(t.Context(), code, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("%v, want that there was no time left", err)
		}
		store.breakDown(nil)
		s.befall(nil, nil)
		settle(time.Minute)
		if s.callCount() != 2 {
			t.Fatalf("%d calls, want the login and the refresh", s.callCount())
		}
		if err := src.ExchangeCode(t.Context(), code, nil); err != nil {
			t.Fatalf("the code was spent: %v", err)
		}
	})
}

func TestI17_ALogoutWaitsForASlowRefreshAndThenEndsWhatItHas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		m := s.manager(t)
		src := of(t, m, "ann")
		s.login(t, src, "ann")
		settle(time.Hour)
		refresh := s.live("ann")
		s.befall(slowly(time.Hour), nil)
		go func() { _, _ = s.whoami(context.Background(), src) }()
		other := authtrip.WithScopes(authtrip.WithPrincipal(context.Background(), "ann"), "x")
		settle(time.Second)
		go func() { // behind the logout
			time.Sleep(time.Second)
			_, _ = s.whoami(other, m)
		}()
		start := time.Now()
		if err := src.Revoke(t.Context()); err != nil || time.Since(start) != 9*time.Second {
			t.Fatalf("%v after %v; want to have waited for the 10 s of the call", err, time.Since(start))
		}
		if told := strings.Join(s.revoked, " "); !strings.Contains(told, "refresh_token:"+refresh) {
			t.Fatalf("the server was told %q", told)
		}
		s.befall(nil, nil)
		settle(2 * time.Hour)
		for name, a := range map[string]struct {
			ctx context.Context
			of  authtrip.Authorizer
		}{"its own": {t.Context(), src}, "other scopes": {other, m}} {
			if _, err := s.whoami(a.ctx, a.of); !errors.Is(err, authtrip.ErrAuthorizationRequired) {
				t.Fatalf("%s: %v, want ErrAuthorizationRequired", name, err)
			}
		}
	})
}
