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

// How logins end, and how they do not.

// One place that rejects every token ends no login that other places accept.
func TestI06_OnePlaceThatAlwaysRejectsEndsNoLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		s.noRefresh = true
		src := of(t, s.manager(t), "ann")
		s.login(t, src, "ann")
		api := s.api()
		client := &http.Client{Transport: &authtrip.Transport{Source: src, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/odd" {
				return jsonReply(r, 401, nil), nil
			}
			return api.RoundTrip(r)
		})}}
		get := func(path string) int {
			t.Helper()
			res, err := client.Get("https://api.example" + path)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			return res.StatusCode
		}
		for range 20 {
			if odd, good := get("/odd"), get("/"); odd != 401 || good != 200 {
				t.Fatalf("the odd place answered %d, the good one %d", odd, good)
			}
			settle(time.Minute)
		}
	})
}

// The server refused the refresh token of a login that is not there any more:
// the one that took its place goes on.
func TestI17_TheEndOfALoginDoesNotEndTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		src := of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann")
		s.login(t, src, "ann")
		s.endAll()
		settle(time.Hour)
		next := `{"form":1,"login":"next","access_token":"of the next","fingerprint":"x"}`
		s.befall(nil, atCall(func() { store.replaceWith(t, "ann", next) }))
		_, _ = s.whoami(t.Context(), src)
		if got := store.holds("ann"); got != next {
			t.Fatalf("the Store holds %s", got)
		}
	})
}

// Whoever logs in without being given a refresh token does not go on as the one
// before.
func TestI17_ANewLoginTakesNothingOverFromTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		m := s.manager(t)
		src, err := m.Source("users") // one user at a time
		if err != nil {
			t.Fatal(err)
		}
		s.login(t, src, "ann")
		s.noRefresh = true
		s.login(t, src, "bob")
		s.mustBe(t, src, "bob")
		settle(time.Hour)
		if got, err := s.whoami(t.Context(), src); !errors.Is(err, authtrip.ErrAuthorizationRequired) {
			t.Fatalf("bob's request went out as %q, %v", got, err)
		}
	})
}

// To be told what to do again is better than nil: another try finishes it.
func TestI17_ALogoutThatFailedIsFinishedByAnotherTry(t *testing.T) {
	for name, fail := range map[string]func(*server, *spyStore){
		"the Store cannot be read":    func(_ *server, st *spyStore) { st.breakDown(failOnce("load")) },
		"the Store cannot be written": func(_ *server, st *spyStore) { st.breakDown(failOnce("save")) },
		"the server cannot be reached": func(s *server, _ *spyStore) {
			left := 2
			s.revoking = func() error {
				if left--; left < 0 {
					return nil
				}
				return errDial
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, store := newServer(), newSpyStore()
				m := s.manager(t, authtrip.WithPlaintextStore(store))
				src := of(t, m, "ann")
				s.login(t, src, "ann")
				fail(s, store)
				if err := src.Revoke(t.Context()); err == nil {
					t.Fatal("no error")
				}
				if err := src.Revoke(t.Context()); err != nil {
					t.Fatalf("the second try: %v", err)
				}
				if live := s.live("ann"); live != "" || len(s.access) != 0 {
					t.Fatalf("the server still has %q and %v", live, s.access)
				}
				store.wantEnded(t, "ann")
				if err := src.Revoke(t.Context()); err != nil {
					t.Fatalf("a third time: %v", err)
				}
			})
		})
	}
}

func TestI17_ALogoutWaitsForAllThatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		m := s.manager(t)
		src := of(t, m, "ann")
		s.login(t, src, "ann")
		settle(time.Hour)
		s.befall(slowly(6*time.Second), nil)
		for _, scope := range []string{"a", "b", "c"} {
			go func() {
				_, _ = s.whoami(authtrip.WithScopes(authtrip.WithPrincipal(context.Background(), "ann"), scope), m)
			}()
		}
		synctest.Wait()
		if err := src.Revoke(t.Context()); err != nil || s.live("ann") != "" {
			t.Fatalf("%v; the server still has %q", err, s.live("ann"))
		}
		for _, ctx := range []context.Context{t.Context(), authtrip.WithScopes(t.Context(), "b")} {
			if _, err := s.whoami(authtrip.WithPrincipal(ctx, "ann"), m); !errors.Is(err, authtrip.ErrAuthorizationRequired) {
				t.Fatalf("%v, want ErrAuthorizationRequired", err)
			}
		}
	})
}

// A server that cannot be told leaves no token behind in the Store.
func TestI17_ALogoutWithoutAnEndpointKeepsNoToken(t *testing.T) {
	for name, fail := range map[string]func(string) error{"": nil, "the Store cannot be written": failOnce("save")} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, store := newServer(), newSpyStore()
				m := s.managerOf(t, []authtrip.Registration{user(func(r *authtrip.Registration) { r.RevocationEndpoint.URL = "" })}, authtrip.WithPlaintextStore(store))
				src := of(t, m, "ann")
				s.login(t, src, "ann")
				store.breakDown(fail)
				wantAll(t, src.Revoke(t.Context()), "the server was not told")
				if _, err := s.whoami(t.Context(), src); !errors.Is(err, authtrip.ErrAuthorizationRequired) {
					t.Fatalf("%v, want ErrAuthorizationRequired", err)
				}
				store.wantEnded(t, "ann")
			})
		})
	}
}

// While the server is told of one end, another process has another login that
// ends: what its server is to be told stays.
func TestI17_ALogoutLeavesTheNextLoginsRecordAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		src := of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann")
		s.login(t, src, "ann")
		next := `{"form":1,"login":"next","ended":true,"untold":[{"token":"x","hint":"refresh_token"}]}`
		s.revoking = func() error { store.replaceWith(t, "ann", next); return nil }
		if err := src.Revoke(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := store.holds("ann"); got != next {
			t.Fatalf("the Store holds %s", got)
		}
	})
}

func TestARevocationThatFailsIsCalledOne(t *testing.T) {
	s := newServer()
	src := of(t, s.manager(t), "ann")
	s.login(t, src, "ann")
	s.revoking = func() error { return errDial }
	err := src.Revoke(t.Context())
	wantAll(t, err, "revocation call: dial")
	if strings.Contains(err.Error(), "token call") || strings.Contains(fmt.Sprintf("%+v", err), "CANARY") {
		t.Fatal(err)
	}
}

// What the Store did not take yet is known here, and told.
func TestI17_ALogoutKnowsTheTokenThatIsNotSavedYet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		src := of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann")
		s.login(t, src, "ann")
		settle(time.Hour)
		s.befall(nil, atCall(func() { store.breakDown(down) }))
		s.mustBe(t, src, "ann")
		if err := src.Revoke(t.Context()); err == nil {
			t.Fatal("no error, with a Store that is down")
		}
		if live := s.live("ann"); live != "" {
			t.Fatalf("the server still has %q", live)
		}
		store.breakDown(nil)
		settle(time.Minute)
		if _, err := s.whoami(t.Context(), src); !errors.Is(err, authtrip.ErrAuthorizationRequired) {
			t.Fatalf("%v, want ErrAuthorizationRequired", err)
		}
		store.wantEnded(t, "ann")
	})
}

// Also of a login that the Store never had, at a server that cannot be told.
func TestI17_ALogoutKnowsALoginThatIsNotSavedYet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		m := s.managerOf(t, []authtrip.Registration{user(func(r *authtrip.Registration) { r.RevocationEndpoint.URL = "" })}, authtrip.WithPlaintextStore(store))
		src := of(t, m, "ann")
		s.login(t, src, "ann")
		s.befall(nil, atCall(func() { store.breakDown(down) }))
		s.login(t, src, "ann") // anew, and this one is not saved
		s.befall(nil, nil)
		if err := src.Revoke(t.Context()); err == nil {
			t.Fatal("no error, with a Store that is down")
		}
		store.breakDown(nil)
		settle(time.Minute)
		if _, err := s.whoami(t.Context(), src); !errors.Is(err, authtrip.ErrAuthorizationRequired) {
			t.Fatalf("%v, want ErrAuthorizationRequired", err)
		}
		store.wantEnded(t, "ann")
	})
}

// A token that is in the Store needs no authorization server.
func TestI11_AnOpenCircuitDoesNotHideTheStoresToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		s.login(t, of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann"), "ann")
		m := s.manager(t, authtrip.WithPlaintextStore(store), authtrip.Policy{BreakerFailures: 1, BreakerDelay: time.Minute, BreakerMaxDelay: time.Minute})
		s.befall(func(int, *http.Request) error { return errDial }, nil)
		if err := of(t, m, "bob").ExchangeCode(t.Context(), "c", nil); err == nil {
			t.Fatal("no error")
		}
		s.mustBe(t, of(t, m, "ann"), "ann")
		settle(time.Hour - 5*time.Second)
		_ = of(t, m, "bob").ExchangeCode(t.Context(), "c", nil) // opens it again
		calls, saves := s.callCount(), store.saves
		if _, err := s.whoami(t.Context(), of(t, m, "ann")); !errors.Is(err, authtrip.ErrCircuitOpen) || s.callCount() != calls || store.saves != saves {
			t.Fatalf("%v after %d calls and %d saves, want ErrCircuitOpen after none", err, s.callCount()-calls, store.saves-saves)
		}
		if strings.Contains(store.holds("ann"), "intent") {
			t.Fatalf("announced for nothing: %s", store.holds("ann"))
		}
	})
}

// A hook that does what it must not do costs a second, not the login.
func TestI02_AHookThatHangsHoldsNobodyUpForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		var src *authtrip.Source
		m := s.manager(t, authtrip.WithPlaintextStore(store), authtrip.Hooks{StoreFailed: func(string, error) {
			_, _ = src.Token(context.Background()) // waits for itself
		}})
		src = of(t, m, "ann")
		s.login(t, src, "ann")
		settle(time.Hour)
		store.breakDown(failOnce("load"))
		start := time.Now()
		if _, err := src.Token(t.Context()); err == nil || time.Since(start) > 2*time.Second {
			t.Fatalf("%v after %v", err, time.Since(start))
		}
		s.mustBe(t, src, "ann")
		settle(time.Minute)
	})
}

func TestI16_APanicOfTheUndecidedHookLeavesNoBodyOpen(t *testing.T) {
	r := registration()
	r.Envelopes = map[string]authtrip.Envelope{"api.example": {Code: "code", Rejected: []string{"1"}}}
	src := newSource(t, r, authtrip.WithTokenTransport(&replies{bodies: []string{`{"access_token":"a"}`}}),
		authtrip.Hooks{Undecided: func(context.Context, string, error) { panic("mine") }})
	body := &closing{Reader: strings.NewReader("no JSON")}
	rt := &authtrip.Transport{Source: src, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: body, Request: r}, nil
	})}
	defer func() {
		if recover() == nil || !body.closed.Load() {
			t.Errorf("closed: %v", body.closed.Load())
		}
	}()
	req, _ := http.NewRequest(http.MethodGet, "https://api.example/", nil)
	_, _ = rt.RoundTrip(req)
}
