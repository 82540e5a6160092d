package authtrip_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
)

func TestI17_RevokeEndsTheLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		m := s.manager(t, authtrip.WithPlaintextStore(store))
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
		got := strings.Join(s.revoked, " ")
		if !strings.HasPrefix(got, "refresh_token:"+refresh+" access_token:") || !strings.HasSuffix(got, access.AccessToken()) || len(s.revoked) != 3 {
			t.Fatalf("revoked %s; want the refresh token, and the access tokens for both sets of scopes", got)
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
		m := s.manager(t, authtrip.WithPlaintextStore(store))
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
		m := s.manager(t, authtrip.WithPlaintextStore(store))
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

// What is revoked does not depend on what the Store takes.
func TestI17_ALogoutTellsTheServerThoughTheStoreFails(t *testing.T) {
	for op, want := range map[string]string{"save": "refresh_token:%s access_token:%s", "load": "access_token:%[2]s"} {
		t.Run(op, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, store := newServer(), newSpyStore()
				src := of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann")
				s.login(t, src, "ann")
				access, _ := src.Token(t.Context())
				want := fmt.Sprintf(want, s.live("ann"), access.AccessToken())
				store.breakDown(func(got string) error {
					if got == op {
						return errors.New("down")
					}
					return nil
				})
				wantAll(t, src.Revoke(t.Context()), `"users"`, "the Store: down")
				if told := strings.Join(s.revoked, " "); told != want {
					t.Fatalf("the server was told %q, want %q", told, want)
				}
				store.breakDown(nil)
				if _, err := s.whoami(t.Context(), src); !errors.Is(err, authtrip.ErrAuthorizationRequired) {
					t.Fatalf("%v, want ErrAuthorizationRequired", err)
				}
				// Another try says what could not be said.
				if err := src.Revoke(t.Context()); err != nil || s.live("ann") != "" {
					t.Fatalf("%v; the server still has %q", err, s.live("ann"))
				}
				store.wantEnded(t, "ann")
			})
		})
	}
}

// Another process died while it was using the refresh token, or is slow: it is
// waited for, but not so long that the server is not told.
func TestI17_ALogoutTellsTheServerThoughItWaitedForAnIntent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		asNetHTTP := roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if err := r.Context().Err(); err != nil {
				return nil, err
			}
			return s.RoundTrip(r)
		})
		src := of(t, s.manager(t, authtrip.WithPlaintextStore(store), authtrip.WithTokenTransport(asNetHTTP)), "ann")
		s.login(t, src, "ann")
		store.announce(t, "ann", time.Now().Add(20*time.Second))
		start := time.Now()
		wantAll(t, src.Revoke(t.Context()), "another process is using the refresh token")
		if took := time.Since(start); took != 10*time.Second || s.live("ann") != "" || len(s.revoked) != 2 {
			t.Fatalf("after %v the server was told %q", took, s.revoked)
		}
		settle(30 * time.Second) // and it is not forgotten
		if _, err := s.whoami(t.Context(), src); !errors.Is(err, authtrip.ErrAuthorizationRequired) {
			t.Fatalf("%v, want ErrAuthorizationRequired", err)
		}
		store.wantEnded(t, "ann")
	})
}

// The revocation endpoint takes its time: Revoke returns when the server knows.
func TestRevokeReturnsWhenTheServerIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		slow := roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "/revoke") {
				time.Sleep(3 * time.Second)
			}
			return s.RoundTrip(r)
		})
		src := of(t, s.manager(t, authtrip.WithTokenTransport(slow)), "ann")
		s.login(t, src, "ann")
		if err := src.Revoke(t.Context()); err != nil || len(s.revoked) != 2 {
			t.Fatalf("%v; the server was told %q", err, s.revoked)
		}
		// Its caller may leave before.
		s.login(t, src, "ann")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := src.Revoke(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("%v, want its own deadline", err)
		}
		settle(10 * time.Second)
		if len(s.revoked) != 4 {
			t.Fatalf("the server was told %q", s.revoked)
		}
	})
}

func TestI17_ALoginWithoutARefreshTokenIsRevokedAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		s.noRefresh = true
		first := of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann")
		s.login(t, first, "ann")
		access, _ := first.Token(t.Context())
		src := of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann")
		if err := src.Revoke(t.Context()); err != nil || strings.Join(s.revoked, " ") != "access_token:"+access.AccessToken() {
			t.Fatalf("%v; the server was told %q", err, s.revoked)
		}
		store.wantEnded(t, "ann")
		if _, err := s.whoami(t.Context(), src); !errors.Is(err, authtrip.ErrAuthorizationRequired) {
			t.Fatalf("%v, want ErrAuthorizationRequired", err)
		}
	})
}

// While it waits to end the login nothing of it is sent any more.
func TestI17_ALogoutDropsTheTokensOfAllScopesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		m := s.manager(t, authtrip.WithPlaintextStore(store))
		src := of(t, m, "ann")
		s.login(t, src, "ann")
		ctx, cancel := context.WithTimeout(authtrip.WithScopes(authtrip.WithPrincipal(t.Context(), "ann"), "less"), 5*time.Second)
		defer cancel()
		if got, err := s.whoami(ctx, m); got != "ann" || err != nil {
			t.Fatal(got, err)
		}
		store.announce(t, "ann", time.Now().Add(8*time.Second))
		go func() { _ = src.Revoke(context.Background()) }()
		synctest.Wait()
		if got, err := s.whoami(ctx, m); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("%q, %v; want that the request waits", got, err)
		}
		settle(time.Minute)
		store.wantEnded(t, "ann")
	})
}

// What is here is dropped before anything is waited for.
func TestI17_ALogoutDropsTheTokenAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		m := s.manager(t)
		src := of(t, m, "ann")
		s.login(t, src, "ann")
		ann := authtrip.WithPrincipal(context.Background(), "ann")
		if got, err := s.whoami(authtrip.WithScopes(ann, "less"), m); got != "ann" || err != nil {
			t.Fatal(got, err)
		}
		s.befall(slowly(6*time.Second), nil)
		go func() { _, _ = s.whoami(authtrip.WithScopes(ann, "more"), m) }() // holds the logout up
		synctest.Wait()
		done := make(chan error, 1)
		go func() { done <- src.Revoke(context.Background()) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(ann, time.Second)
		defer cancel()
		for _, ctx := range []context.Context{ctx, authtrip.WithScopes(ctx, "less")} {
			if got, err := s.whoami(ctx, m); err == nil {
				t.Fatalf("logged out, and the API saw %q", got)
			}
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}
