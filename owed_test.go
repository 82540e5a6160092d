package authtrip_test

import (
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

func TestI17_ARefusedTokenThatTheStoreKeepsIsNotSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		m := s.manager(t, authtrip.WithPlaintextStore(store))
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
		m := s.manager(t, authtrip.WithPlaintextStore(store), authtrip.Hooks{StoreFailed: func(id string, err error) {
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
		m := s.manager(t, authtrip.WithPlaintextStore(store))
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
		m := s.manager(t, authtrip.WithPlaintextStore(store))
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

// One save that fails is made again before others redeem what is spent.
func TestI17_OneSaveThatFailsLogsNobodyOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		one, two := of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann"), of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann")
		s.login(t, one, "ann")
		settle(time.Hour)
		s.befall(nil, atCall(func() { store.breakDown(failOnce("save")) }))
		s.mustBe(t, one, "ann")
		settle(30 * time.Second) // nobody asks one again; its intent is over
		s.mustBe(t, two, "ann")
		if s.callCount() != 2 || s.reuses() != 0 {
			t.Fatalf("%d calls, %d reuses; want that two uses what one got", s.callCount(), s.reuses())
		}
	})
}

// Others change the record at the same moment, again and again.
func TestI17_ASaveThatConflictsIsTriedAgainForAWhile(t *testing.T) {
	for conflicts, want := range map[int]string{5: "", 1 << 30: "again and again"} {
		synctest.Test(t, func(t *testing.T) {
			s, store := newServer(), newSpyStore()
			src := of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann")
			s.login(t, src, "ann")
			settle(time.Hour)
			tries := 0
			store.breakDown(func(op string) error {
				if op != "save" || tries >= conflicts {
					return nil
				}
				if tries++; tries > 2000 {
					return errors.New("more than 2000 tries")
				}
				return authtrip.ErrConflict
			})
			start := time.Now()
			_, err := s.whoami(t.Context(), src)
			if want == "" {
				if err != nil || tries != 5 {
					t.Fatalf("%v after %d tries", err, tries)
				}
				return
			}
			wantAll(t, err, `"users"`, want)
			if took := time.Since(start); !errors.Is(err, authtrip.ErrConflict) || took != 10*time.Second || s.callCount() != 1 {
				t.Fatalf("%v after %v and %d calls; want ErrConflict after the FetchTimeout", err, took, s.callCount())
			}
			before := tries
			settle(time.Minute)
			if tries != before {
				t.Fatalf("%d tries behind the requests", tries-before)
			}
		})
	}
}

// What one could not save must not undo what another did after it.
func TestI17_ASaveThatIsOwedDoesNotUndoALogout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		one, two := of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann"), of(t, s.manager(t, authtrip.WithPlaintextStore(store.Store)), "ann")
		s.login(t, one, "ann")
		settle(time.Hour)
		s.befall(nil, atCall(func() { store.breakDown(down) })) // for one
		s.mustBe(t, one, "ann")
		settle(30 * time.Second) // past its intent
		if err := two.Revoke(t.Context()); err != nil {
			t.Fatal(err)
		}
		store.breakDown(nil)
		s.mustBe(t, one, "ann") // its access token lives; it saves
		settle(time.Second)
		store.wantEnded(t, "ann")
		settle(2 * time.Hour)
		for _, src := range []*authtrip.Source{one, two} {
			if got, err := s.whoami(t.Context(), src); !errors.Is(err, authtrip.ErrAuthorizationRequired) {
				t.Fatalf("%q, %v; want ErrAuthorizationRequired", got, err)
			}
		}
	})
}

func TestI17_ALogoutThatIsOwedDoesNotEndALaterLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		one, two := of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann"), of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann")
		s.login(t, one, "ann")
		store.breakDown(down)
		wantAll(t, one.Revoke(t.Context()), "the Store: down")
		store.breakDown(nil)
		s.login(t, two, "ann") // the user logs in again, elsewhere
		settle(time.Hour)
		s.mustBe(t, one, "ann")
		s.mustBe(t, two, "ann")
		if s.reuses() != 0 {
			t.Fatalf("%d reuses", s.reuses())
		}
	})
}

func TestI17_WhatIsOwedIsSavedToAStoreThatLostItsRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		src := of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann")
		s.login(t, src, "ann")
		settle(time.Hour)
		s.befall(nil, atCall(func() { store.breakDown(down) }))
		s.mustBe(t, src, "ann")
		store.Store = authtrip.NewMemoryStore(0)
		store.breakDown(nil)
		settle(time.Minute)
		if live := s.live("ann"); !strings.Contains(store.holds("ann"), `"`+live+`"`) {
			t.Fatalf("the Store holds %s, the live token is %s", store.holds("ann"), live)
		}
	})
}

func TestI17_ASaveThatIsOwedDoesNotReplaceANewerRefreshToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		src := of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann")
		s.login(t, src, "ann")
		settle(time.Hour)
		old := s.live("ann")
		s.befall(nil, atCall(func() { store.breakDown(down) }))
		s.mustBe(t, src, "ann")
		newer := strings.NewReplacer(old, "refresh-of-another", `"refreshes":1`, `"refreshes":2`).Replace(store.holds("ann")) // of the same login
		store.replaceWith(t, "ann", newer)
		store.breakDown(nil)
		settle(5 * time.Second)
		if got := store.holds("ann"); got != newer {
			t.Fatalf("the Store holds %s, want what another put there", got)
		}
	})
}

// The same with a login that ended after it began without a refresh token.
func TestI17_ALoginThatIsOwedDoesNotUndoALogout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		one, two := of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann"), of(t, s.manager(t, authtrip.WithPlaintextStore(store.Store)), "ann")
		s.noRefresh = true
		s.login(t, one, "ann")
		s.noRefresh = false
		s.befall(nil, atCall(func() { store.breakDown(down) }))
		s.login(t, one, "ann")
		settle(30 * time.Second) // past its intent
		if err := two.Revoke(t.Context()); err != nil {
			t.Fatal(err)
		}
		store.breakDown(nil)
		s.mustBe(t, one, "ann")
		settle(time.Second)
		store.wantEnded(t, "ann")
	})
}

// Whoever could not take its intent back leaves the next one's alone.
func TestI17_AnIntentThatIsOwedBackIsOnesOwnOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		one, two := of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann"), of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann")
		s.login(t, one, "ann")
		settle(time.Hour)
		s.befall(func(int, *http.Request) error { store.breakDown(down); return errors.New("reset") }, nil)
		if _, err := s.whoami(t.Context(), one); err == nil {
			t.Fatal("no error")
		}
		settle(30 * time.Second) // its intent is over
		store.breakDown(nil)
		s.befall(slowly(5*time.Second), nil)
		var wg sync.WaitGroup
		wg.Go(func() { s.mustBe(t, two, "ann") })
		synctest.Wait()
		s.mustBe(t, one, "ann")
		wg.Wait()
		if s.callCount() != 3 || s.together != 1 || s.reuses() != 0 {
			t.Fatalf("%d calls, %d at one time, %d reuses; want 3, 1, 0", s.callCount(), s.together, s.reuses())
		}
	})
}
