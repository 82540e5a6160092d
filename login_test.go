package authtrip_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
)

func TestI17_ANewRefreshTokenIsInTheStoreBeforeItsAccessTokenIsUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		m := s.manager(t, authtrip.WithPlaintextStore(store))
		src := of(t, m, "ann")
		s.login(t, src, "ann")
		api := s.api()
		base := roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if live := s.live("ann"); !strings.Contains(store.holds("ann"), `"`+live+`"`) {
				t.Errorf("a request is sent while the Store holds %s; the live refresh token is %s", store.holds("ann"), live)
			}
			return api.RoundTrip(r)
		})
		client := &http.Client{Transport: &authtrip.Transport{Source: src, Base: base}}
		for range 10 {
			res, err := client.Get("https://api.example/")
			if err != nil || res.StatusCode != 200 {
				t.Fatal(res, err)
			}
			_ = res.Body.Close()
			s.endAccess()
			settle(2 * time.Minute) // past any pause
		}
		if s.reuses() != 0 || s.callCount() != 10 {
			t.Fatalf("%d calls, %d reuses; want 10 and none", s.callCount(), s.reuses())
		}
	})
}

func TestI17_FiftyCallersRedeemOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		s.befall(slowly(time.Second), nil)
		m := s.manager(t)
		src := of(t, m, "ann")
		s.login(t, src, "ann")
		for range 5 {
			s.endAccess()
			settle(2 * time.Minute)
			var wg sync.WaitGroup
			for range 50 {
				wg.Go(func() { s.mustBe(t, src, "ann") })
			}
			wg.Wait()
		}
		if s.callCount() != 6 || s.together != 1 || s.reuses() != 0 {
			t.Fatalf("%d calls, %d at one time, %d reuses; want 6, 1, 0", s.callCount(), s.together, s.reuses())
		}
	})
}

// Other scopes are other access tokens, and the same refresh token.
func TestI17_TokensForOtherScopesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		m := s.manager(t)
		s.login(t, of(t, m, "ann"), "ann")
		s.befall(slowly(time.Second), nil)
		ctx := authtrip.WithPrincipal(t.Context(), "ann")
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				if got, err := s.whoami(authtrip.WithScopes(ctx, fmt.Sprint("scope", i)), m); got != "ann" || err != nil {
					t.Error(got, err)
				}
			})
		}
		wg.Wait()
		if s.callCount() != 5 || s.together != 1 || s.reuses() != 0 {
			t.Fatalf("%d calls, %d at one time, %d reuses; want 5, 1, 0", s.callCount(), s.together, s.reuses())
		}
		asked := map[string]bool{}
		for _, call := range s.calls[1:] {
			asked[call.Get("scope")] = true
		}
		if len(asked) != 4 || asked[""] {
			t.Fatalf("asked for %v", asked)
		}
	})
}

func TestI17_ARefreshThatWaitedForALoginIsNotNeeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		m := s.manager(t)
		src := of(t, m, "ann")
		s.login(t, src, "ann")
		settle(time.Hour)
		s.befall(slowly(3*time.Second), nil)
		var wg sync.WaitGroup
		wg.Go(func() { s.login(t, src, "ann") })
		synctest.Wait()
		for range 10 {
			wg.Go(func() { s.mustBe(t, src, "ann") })
		}
		wg.Wait()
		if s.callCount() != 2 {
			t.Fatalf("%d calls, want one for each login", s.callCount())
		}
	})
}

func TestI17_InvalidGrantEndsTheLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		m := s.manager(t, authtrip.WithPlaintextStore(store))
		src := of(t, m, "ann")
		s.login(t, src, "ann")
		s.endAll()
		settle(time.Hour)
		for range 10 {
			_, err := s.whoami(t.Context(), src)
			if !errors.Is(err, authtrip.ErrAuthorizationRequired) {
				t.Fatalf("%v, want ErrAuthorizationRequired", err)
			}
			if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), "CANARY") {
				t.Fatalf("the error shows a token: %#v", err)
			}
		}
		if s.callCount() != 2 {
			t.Fatalf("%d calls, want one that found out", s.callCount())
		}
		store.wantEnded(t, "ann")
		s.login(t, src, "ann")
		s.mustBe(t, src, "ann")
	})
}

// A rejected token whose login has ended is not sent on, as it would be in an
// outage, even if nothing says when it expires.
func TestI17_ARejectedTokenOfAnEndedLoginIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		s.reply = func(f map[string]any) { delete(f, "expires_in") }
		m := s.manager(t)
		src := of(t, m, "ann")
		s.login(t, src, "ann")
		s.endAll()
		if got, err := s.whoami(t.Context(), src); got != "Unauthorized" || err != nil {
			t.Fatalf("%q, %v; want the server's response for the one that found out", got, err)
		}
		if _, err := s.whoami(t.Context(), src); !errors.Is(err, authtrip.ErrAuthorizationRequired) {
			t.Fatalf("%v, want ErrAuthorizationRequired", err)
		}
		if _, err := src.Token(t.Context()); !errors.Is(err, authtrip.ErrAuthorizationRequired) {
			t.Fatalf("%v, want ErrAuthorizationRequired", err)
		}
	})
}

func TestI17_TheFirstToFindOutIsToldWhatTheServerSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		m := s.manager(t)
		src := of(t, m, "ann")
		s.login(t, src, "ann")
		s.endAll()
		settle(time.Hour)
		_, err := s.whoami(t.Context(), src)
		var said *authtrip.ServerError
		if !errors.As(err, &said) || said.Code != "invalid_grant" || !errors.Is(err, authtrip.ErrAuthorizationRequired) {
			t.Fatalf("%v", err)
		}
	})
}

func TestI17_ARotatedTokenBesideABadReplyIsKept(t *testing.T) {
	for name, reply := range map[string]func(map[string]any){
		"another token_type":   func(f map[string]any) { f["token_type"] = "DPoP" },
		"no access token":      func(f map[string]any) { delete(f, "access_token") },
		"a space in it":        func(f map[string]any) { f["access_token"] = "a b" },
		"a negative lifetime":  func(f map[string]any) { f["expires_in"] = -1 },
		"token_type no string": func(f map[string]any) { f["token_type"] = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, store := newServer(), newSpyStore()
				m := s.manager(t, authtrip.WithPlaintextStore(store))
				src := of(t, m, "ann")
				s.login(t, src, "ann")
				settle(time.Hour)
				s.reply = reply
				var said *authtrip.ServerError
				if _, err := s.whoami(t.Context(), src); !errors.As(err, &said) || said.Code != "" || strings.Contains(fmt.Sprintf("%v %#v", err, err), "CANARY") {
					t.Fatalf("%v, want what is wrong with the reply", err)
				}
				s.reply = nil
				settle(2 * time.Second)
				s.mustBe(t, src, "ann")
				if s.reuses() != 0 {
					t.Fatal("the old refresh token was sent again")
				}
			})
		})
	}
}

func TestI17_ARefreshTokenThatIsNotReplacedIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		s.keeps = true
		m := s.manager(t, authtrip.WithPlaintextStore(store))
		src := of(t, m, "ann")
		s.login(t, src, "ann")
		for range 5 {
			settle(time.Hour)
			s.mustBe(t, src, "ann")
		}
		if live := s.live("ann"); !strings.Contains(store.holds("ann"), live) || strings.Contains(store.holds("ann"), "intent") {
			t.Fatalf("the Store holds %s", store.holds("ann"))
		}
		if s.lastCall().Has("scope") {
			t.Fatalf("sent %v, though the scope is what was granted", s.lastCall())
		}
	})
}

// Whoever failed to redeem lets go, so that others need not wait.
func TestI17_AFailedCallLetsGoOfTheRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		src := of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann")
		if err := src.ExchangeCode(t.Context(), "no code", nil); err == nil || !strings.Contains(store.holds("ann"), authtrip.ErrNotFound.Error()) {
			t.Fatalf("%v; the Store holds %s", err, store.holds("ann"))
		}
		s.login(t, src, "ann")
		settle(time.Hour)
		s.befall(func(int, *http.Request) error { return errDial }, nil)
		if _, err := s.whoami(t.Context(), src); err == nil || strings.Contains(store.holds("ann"), "intent") {
			t.Fatalf("%v; the Store holds %s", err, store.holds("ann"))
		}
		if err := src.ExchangeCode(t.Context(), "no code", nil); err == nil || strings.Contains(store.holds("ann"), "intent") || !strings.Contains(store.holds("ann"), s.live("ann")) {
			t.Fatalf("%v; the Store holds %s", err, store.holds("ann"))
		}
	})
}

// What was remembered of failures says nothing of what the user granted anew.
func TestI17_ANewLoginIsANewStartForAllScopes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		granted := false
		m := s.manager(t, authtrip.WithTokenTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
			body, _ := r.GetBody()
			if b, _ := io.ReadAll(body); strings.Contains(string(b), "scope=admin") && !granted {
				return jsonReply(r, 400, map[string]any{"error": "invalid_scope"}), nil
			}
			return s.RoundTrip(r)
		})))
		src := of(t, m, "ann")
		s.login(t, src, "ann")
		admin := authtrip.WithScopes(authtrip.WithPrincipal(t.Context(), "ann"), "admin")
		for range 8 { // a minute's pause in the end
			_, err := s.whoami(admin, m)
			wantAll(t, err, "invalid_scope")
			settle(time.Minute)
		}
		_, _ = s.whoami(admin, m)
		granted = true
		s.login(t, src, "ann")
		if got, err := s.whoami(admin, m); got != "ann" || err != nil {
			t.Fatalf("%q, %v; ann has granted it by now", got, err)
		}
	})
}
