package authtrip_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
)

func TestI17_ANewRefreshTokenIsInTheStoreBeforeItsAccessTokenIsUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		m := s.manager(t, authtrip.WithStore(store))
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

// A save that came through though its answer did not: the intent in the Store
// is this Manager's own.
func TestI17_AnIntentOfOnesOwnHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		m := s.manager(t, authtrip.WithStore(store))
		src := of(t, m, "ann")
		s.login(t, src, "ann")
		settle(time.Hour)
		store.loseAnswers(1)
		if _, err := s.whoami(t.Context(), src); err == nil || !strings.Contains(store.holds("ann"), "intent") {
			t.Fatalf("%v; the Store holds %s", err, store.holds("ann"))
		}
		start := time.Now()
		s.mustBe(t, src, "ann")
		if took := time.Since(start); took != 0 {
			t.Fatalf("it waited %v for itself", took)
		}
	})
}

func TestI17_ARefusedTokenThatTheStoreKeepsIsNotSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		m := s.manager(t, authtrip.WithStore(store))
		src := of(t, m, "ann")
		s.login(t, src, "ann")
		s.endAll()
		s.befall(nil, atCall(func() {
			store.breakDown(func(op string) error {
				if op == "save" {
					return errors.New("read only")
				}
				return nil
			})
		}))
		settle(time.Hour)
		for range 5 {
			if _, err := s.whoami(t.Context(), src); !errors.Is(err, authtrip.ErrAuthorizationRequired) {
				t.Fatalf("%v, want ErrAuthorizationRequired", err)
			}
		}
		if s.callCount() != 2 {
			t.Fatalf("%d calls, want one that found out", s.callCount())
		}
	})
}

func TestI17_WhatTheStoreRefusesIsUsedAndSavedLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		var told atomic.Int32
		m := s.manager(t, authtrip.WithStore(store), authtrip.Hooks{StoreFailed: func(id string, err error) {
			told.Add(1)
			if id != "users" || strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), "CANARY") {
				t.Errorf("told %q, %#v", id, err)
			}
		}})
		src := of(t, m, "ann")
		s.login(t, src, "ann")
		s.endAccess()
		settle(2 * time.Minute)
		// The Store breaks while the call is under way: after the intent.
		s.befall(nil, atCall(func() {
			store.breakDown(func(string) error { return errors.New("disk full of " + s.live("ann")) })
		}))
		s.mustBe(t, src, "ann")
		if told.Load() != 1 || strings.Contains(store.holds("ann"), s.live("ann")) {
			t.Fatalf("told %d times, the Store holds %s", told.Load(), store.holds("ann"))
		}
		// It stays down: every use tries, a second apart, and nobody waits.
		for range 100 {
			start := time.Now()
			s.mustBe(t, src, "ann")
			if time.Since(start) != 0 {
				t.Fatalf("a request waited %v for the Store", time.Since(start))
			}
			settle(100 * time.Millisecond)
		}
		if n := told.Load(); n < 9 || n > 20 {
			t.Fatalf("told %d times in 10 s, want a few more than 10", n)
		}
		// It is back: the next use saves.
		store.breakDown(nil)
		settle(time.Second)
		s.mustBe(t, src, "ann")
		synctest.Wait()
		if !strings.Contains(store.holds("ann"), s.live("ann")) {
			t.Fatalf("the Store holds %s, the live token is %s", store.holds("ann"), s.live("ann"))
		}
		// From then on the token is fresh: it costs the Store nothing.
		saves := store.saves
		for range 100 {
			s.mustBe(t, src, "ann")
		}
		synctest.Wait()
		if store.saves != saves || s.callCount() != 2 {
			t.Fatalf("%d saves and %d calls more", store.saves-saves, s.callCount()-2)
		}
	})
}

func TestI17_AnUnsavedPairIsRenewedInTimeOnceItIsSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		m := s.manager(t, authtrip.WithStore(store))
		src := of(t, m, "ann")
		s.befall(nil, atCall(func() { store.breakDown(func(string) error { return errors.New("down") }) }))
		s.login(t, src, "ann")
		s.befall(nil, nil)
		settle(10 * time.Minute)
		s.mustBe(t, src, "ann") // and fails to save
		store.breakDown(nil)
		settle(time.Minute)
		s.mustBe(t, src, "ann") // and saves
		settle(20 * time.Minute)
		s.mustBe(t, src, "ann") // 31 minutes old: fresh
		synctest.Wait()
		if s.callCount() != 1 {
			t.Fatalf("renewed too early: %d calls", s.callCount())
		}
		settle(15 * time.Minute) // 46: stale
		s.mustBe(t, src, "ann")
		synctest.Wait()
		if s.callCount() != 2 {
			t.Fatalf("not renewed: %d calls", s.callCount())
		}
	})
}

func TestI17_ASharedRefreshTokenIsNotRedeemedWithoutItsStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		m := s.manager(t, authtrip.WithStore(store))
		src := of(t, m, "ann")
		s.login(t, src, "ann")
		store.breakDown(func(op string) error { return errors.New("down for " + op) })
		settle(59 * time.Minute)
		s.mustBe(t, src, "ann") // the access token is still good
		settle(time.Minute)
		if _, err := s.whoami(t.Context(), src); err == nil || !strings.Contains(err.Error(), "the Store: down for load") {
			t.Fatalf("%v, want the Store's error", err)
		}
		store.breakDown(func(op string) error {
			if op == "save" {
				return errors.New("read only")
			}
			return nil
		})
		if _, err := s.whoami(t.Context(), src); err == nil || !strings.Contains(err.Error(), "the Store: read only") {
			t.Fatalf("%v, want the Store's error", err)
		}
		if s.callCount() != 1 {
			t.Fatalf("%d calls, want only the first", s.callCount())
		}
		store.breakDown(nil)
		s.mustBe(t, src, "ann")
	})
}

// Whatever the moment at which a caller leaves, or the Manager is closed, what
// the server gave is in the Store.
func TestI17_ACallerThatLeavesLosesNothing(t *testing.T) {
	moments := map[string]func(*server, *spyStore, func()){
		"before":                    func(_ *server, _ *spyStore, leave func()) { leave() },
		"while the intent is saved": func(_ *server, st *spyStore, leave func()) { st.breakDown(once("save", 1, leave)) },
		"on the way there":          func(s *server, _ *spyStore, leave func()) { s.befall(atCall(leave), nil) },
		"on the way back":           func(s *server, _ *spyStore, leave func()) { s.befall(nil, atCall(leave)) },
		"before the save": func(s *server, st *spyStore, leave func()) {
			s.befall(nil, atCall(func() { st.breakDown(once("save", 1, leave)) }))
		},
		"after": func(*server, *spyStore, func()) {},
	}
	for name, arrange := range moments {
		for _, how := range []string{"cancels", "closes the Manager"} {
			for _, grant := range []string{"exchange", "refresh"} {
				t.Run(name+"/"+how+"/"+grant, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						s, store := newServer(), newSpyStore()
						m := s.manager(t, authtrip.WithStore(store))
						src := of(t, m, "ann")
						calls := 1
						if grant == "refresh" {
							s.login(t, src, "ann")
							settle(time.Hour)
							calls = 2
						}
						ctx, cancel := context.WithCancel(t.Context())
						defer cancel()
						leave := func() {
							cancel()
							time.Sleep(time.Millisecond) // it is gone now
						}
						if how == "closes the Manager" {
							leave = func() {
								go func() { _ = m.Close() }()
								time.Sleep(time.Millisecond)
							}
						}
						code := s.code("ann")
						arrange(s, store, leave)
						var err error
						if grant == "exchange" {
							err = src.ExchangeCode(ctx, code, nil)
						} else {
							_, err = s.whoami(ctx, src)
						}
						if gone := name != "after"; gone != (err != nil) {
							t.Errorf("the caller got %v", err)
						}
						if want := map[string]error{"cancels": context.Canceled, "closes the Manager": authtrip.ErrClosed}[how]; err != nil && !errors.Is(err, want) {
							t.Errorf("the caller got %v, want %v", err, want)
						}
						s.befall(nil, nil)
						settle(time.Minute)
						store.breakDown(nil)

						// Another process goes on with what the Store has.
						other := s.manager(t, authtrip.WithStore(store))
						if grant == "exchange" && s.callCount() < calls { // nothing was sent
							s.login(t, of(t, other, "ann"), "ann")
						}
						if live := s.live("ann"); !strings.Contains(store.holds("ann"), `"`+live+`"`) {
							t.Fatalf("the Store holds %s, the live token is %s", store.holds("ann"), live)
						}
						s.mustBe(t, of(t, other, "ann"), "ann")
						if s.reuses() != 0 {
							t.Fatal("a code or refresh token was sent twice")
						}
					})
				})
			}
		}
	}
}

// once runs f at the nth operation of that name.
func once(op string, n int, f func()) func(string) error {
	return func(got string) error {
		if got == op {
			if n--; n == 0 {
				f()
			}
		}
		return nil
	}
}

// slowly is a server that takes its time.
func slowly(d time.Duration) func(int, *http.Request) error { return atCall(func() { time.Sleep(d) }) }

func atCall(f func()) func(int, *http.Request) error {
	return func(int, *http.Request) error { f(); return nil }
}

func TestI17_InvalidGrantEndsTheLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		m := s.manager(t, authtrip.WithStore(store))
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

// invalid_grant for an old refresh token says nothing of the one that somebody
// else has put into the Store.
func TestI17_ANewerRefreshTokenInTheStoreIsUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		one, two := s.manager(t, authtrip.WithStore(store)), s.manager(t, authtrip.WithStore(store))
		s.login(t, of(t, one, "ann"), "ann")
		settle(time.Hour)
		call := s.callCount()
		s.befall(func(n int, _ *http.Request) error {
			if n == call+1 { // one's refresh is on its way; ann logs in anew, through two, once the intent is over
				time.Sleep(9 * time.Second)
				s.endAll()
				s.mu.Lock()
				s.n++
				token := fmt.Sprintf("refresh-%d-CANARY", s.n)
				s.refresh[token] = "ann"
				s.mu.Unlock()
				store.replace(t, "ann", token)
			}
			return nil
		}, nil)
		s.mustBe(t, of(t, one, "ann"), "ann")
		s.mustBe(t, of(t, two, "ann"), "ann")
		if s.reuses() != 0 {
			t.Fatal("a refresh token was sent twice")
		}
	})
}

func TestI17_ProcessesThatShareAStoreRedeemOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		s.befall(slowly(300*time.Millisecond), nil)
		var fleet []*authtrip.Source
		for range 5 {
			fleet = append(fleet, of(t, s.manager(t, authtrip.WithStore(store)), "ann"))
		}
		s.login(t, fleet[0], "ann")
		for range 20 {
			s.endAccess()
			settle(2 * time.Minute)
			var wg sync.WaitGroup
			for _, src := range fleet {
				wg.Go(func() { s.mustBe(t, src, "ann") })
			}
			wg.Wait()
		}
		if s.together != 1 || s.reuses() != 0 || s.callCount() != 21 {
			t.Fatalf("%d calls, %d at one time, %d refresh tokens redeemed twice; want 21: what one gets all use", s.callCount(), s.together, s.reuses())
		}
	})
}

// Some servers end an access token when its refresh token is redeemed. Those
// who share a login do not end each other's without end.
func TestI17_ProcessesDoNotTakeTheAccessTokenFromEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		s.befall(func(int, *http.Request) error { s.endAccess(); return nil }, nil)
		one, two := of(t, s.manager(t, authtrip.WithStore(store)), "ann"), of(t, s.manager(t, authtrip.WithStore(store)), "ann")
		s.login(t, one, "ann")
		for range 100 {
			s.mustBe(t, one, "ann")
			s.mustBe(t, two, "ann")
			settle(5 * time.Minute)
		}
		if s.callCount() > 15 || s.reuses() != 0 { // 100 times 5 minutes, 2/3 of an hour each
			t.Fatalf("%d calls, want one for each lifetime", s.callCount())
		}
	})
}

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

func TestI17_AnIntentWhoseOwnerDiedHoldsNobodyUpForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		m := s.manager(t, authtrip.WithStore(store))
		s.login(t, of(t, m, "ann"), "ann")
		dead := s.manager(t, authtrip.WithStore(store))
		settle(time.Hour)
		s.befall(func(int, *http.Request) error {
			store.breakDown(func(string) error { return errors.New("killed") }) // before it can settle
			return errors.New("killed")
		}, nil)
		if _, err := s.whoami(t.Context(), of(t, dead, "ann")); err == nil {
			t.Fatal("the dead process got a token")
		}
		store.breakDown(nil)
		s.befall(nil, nil)
		settle(time.Hour)
		start := time.Now()
		s.mustBe(t, of(t, m, "ann"), "ann")
		if took := time.Since(start); took > 0 {
			t.Fatalf("an intent of an hour ago held a request up for %v", took)
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
				m := s.manager(t, authtrip.WithStore(store))
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
		m := s.manager(t, authtrip.WithStore(store))
		src := of(t, m, "ann")
		s.login(t, src, "ann")
		for range 5 {
			settle(time.Hour)
			s.mustBe(t, src, "ann")
		}
		if live := s.live("ann"); !strings.Contains(store.holds("ann"), live) || strings.Contains(store.holds("ann"), "intent") {
			t.Fatalf("the Store holds %s", store.holds("ann"))
		}
	})
}

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

func TestI17_ARecordThatCannotBeReadIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		src := of(t, s.manager(t, authtrip.WithStore(store)), "ann")
		for _, bad := range []string{"", "CANARY", `{"form":2,"refresh_token":"CANARY"}`, `[]`} {
			store.replaceWith(t, "ann", bad)
			_, err := s.whoami(t.Context(), src)
			if err == nil || strings.Contains(err.Error(), "CANARY") || !strings.Contains(err.Error(), "cannot be read") {
				t.Fatalf("%q: %v", bad, err)
			}
			if err := src.ExchangeCode(t.Context(), s.code("ann"), nil); err == nil || s.callCount() != 0 {
				t.Fatalf("%q was overwritten", bad)
			}
			if got := store.holds("ann"); got != bad {
				t.Fatalf("%q became %q", bad, got)
			}
		}
	})
}
