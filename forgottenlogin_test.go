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

// A login that one scope's token began, or saw, is the principal's: its end is
// owed though the handle that ends it has never seen it.
func TestI17_ALogoutThatTheStoreMissesIsOwedWhicheverTokenSawTheLogin(t *testing.T) {
	for name, begin := range map[string]func(t *testing.T, s *server, store *spyStore, src *authtrip.Source){
		"begun for other scopes": func(t *testing.T, s *server, _ *spyStore, _ *authtrip.Source) {
			s.refresh["given-CANARY"] = "ann"
		},
		"another since": func(t *testing.T, s *server, store *spyStore, src *authtrip.Source) {
			s.login(t, src, "ann")
			s.login(t, of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann"), "ann")
			s.endAccess()
			settle(2 * time.Hour)
		},
		"forgotten, but for other scopes": func(t *testing.T, s *server, _ *spyStore, src *authtrip.Source) {
			s.login(t, src, "ann")
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, store := newServer(), newSpyStore()
				m := s.managerOf(t, []authtrip.Registration{user(func(r *authtrip.Registration) {
					r.RefreshToken = func(context.Context, string) (authtrip.Secret, error) { return authtrip.NewSecret("given-CANARY"), nil }
				})}, authtrip.WithPlaintextStore(store), authtrip.Policy{MaxTokens: 4})
				src := of(t, m, "ann")
				begin(t, s, store, src)
				scoped := authtrip.WithScopes(authtrip.WithPrincipal(t.Context(), "ann"), "less")
				for i := range 8 {
					settle(2 * time.Millisecond)
					if got, err := s.whoami(scoped, m); got != "ann" || err != nil {
						t.Fatal(got, err)
					}
					if strings.HasPrefix(name, "forgotten") {
						s.login(t, of(t, m, fmt.Sprint("another-", i)), "another")
					}
				}
				store.breakDown(down)
				if err := src.Revoke(t.Context()); err == nil {
					t.Fatal("the Store is down, and the logout succeeds")
				}
				store.breakDown(nil)
				settle(time.Minute)
				if got, err := s.whoami(t.Context(), src); !errors.Is(err, authtrip.ErrAuthorizationRequired) {
					t.Fatalf("after the logout the API saw %q, error %v; the Store holds %s", got, err, store.holds("ann"))
				}
			})
		})
	}
}

// The place that a redirect leads to gets no token, though the entry that knew
// it was forgotten on the way.
func TestI13_AForgottenTokenIsTakenOffOnARedirectToo(t *testing.T) {
	for _, when := range []string{"before the first answer", "between the requests"} {
		t.Run(when, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer()
				m := s.managerOf(t, []authtrip.Registration{user(func(r *authtrip.Registration) { r.Headers = []string{"X-Token"} })}, authtrip.Policy{MaxTokens: 3})
				src := of(t, m, "ann")
				s.login(t, src, "ann")
				forget := func(now string) {
					if now == when {
						s.pushOut(t, m)
					}
				}
				var elsewhere http.Header
				client := &http.Client{
					CheckRedirect: func(*http.Request, []*http.Request) error { forget("between the requests"); return nil },
					Transport: &authtrip.Transport{Source: src, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
						res := &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody, Request: r}
						if r.URL.Host == "api.example" {
							forget("before the first answer")
							res.StatusCode, res.Header = 302, http.Header{"Location": {"https://other.example/"}}
							return res, nil
						}
						elsewhere = r.Header
						return res, nil
					})},
				}
				req := mustRequest(t, http.MethodGet, "https://api.example/", nil)
				if err := src.Attach(req); err != nil {
					t.Fatal(err)
				}
				if _, err := client.Do(req); err != nil {
					t.Fatal(err)
				}
				if elsewhere == nil || elsewhere.Get("X-Token") != "" {
					t.Fatalf("the other origin got %v", elsewhere)
				}
			})
		})
	}
}

// A token is invalid though its entry was forgotten meanwhile: the Store still
// has it.
func TestAForgottenTokenIsInvalidatedToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		m := s.manager(t, authtrip.Policy{MaxTokens: 3})
		src := of(t, m, "ann")
		s.login(t, src, "ann")
		tok, err := src.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s.pushOut(t, m)
		src.Invalidate(tok)
		if again, err := src.Token(t.Context()); err != nil || again.AccessToken() == tok.AccessToken() {
			t.Fatalf("the token is handed out again, %v", err)
		}
	})
}
