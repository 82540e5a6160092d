package authtrip_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
)

// A save that came through though its answer did not: the intent in the Store
// is this Manager's own.
func TestI17_AnIntentOfOnesOwnHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		m := s.manager(t, authtrip.WithPlaintextStore(store))
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

// invalid_grant for an old refresh token says nothing of the one that somebody
// else has put into the Store.
func TestI17_ANewerRefreshTokenInTheStoreIsUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		one, two := s.manager(t, authtrip.WithPlaintextStore(store)), s.manager(t, authtrip.WithPlaintextStore(store))
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
			fleet = append(fleet, of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann"))
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
		one, two := of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann"), of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann")
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

func TestI17_AnIntentWhoseOwnerDiedHoldsNobodyUpForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		src := of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann")
		s.login(t, src, "ann")
		settle(time.Hour)
		until := time.Now().Add(5 * time.Second)
		store.replaceWith(t, "ann", fmt.Sprintf(`{"form":1,"login":"one","refresh_token":%q,"intent":{"owner":"the dead","until":%d}}`,
			s.live("ann"), until.UnixMilli()))
		s.mustBe(t, src, "ann")
		if late := time.Since(until); late < 0 || late > 200*time.Millisecond {
			t.Fatalf("served %v after the intent's end", late)
		}
	})
}

// A fleet that asks at the same moment makes one call, however long it takes,
// and uses what comes of it.
func TestI17_AFleetBehindASlowServerIsNotLoggedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		var fleet []*authtrip.Source
		for range 8 {
			fleet = append(fleet, of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann"))
		}
		s.login(t, fleet[0], "ann")
		settle(time.Hour)
		s.befall(slowly(8*time.Second), nil)
		var wg sync.WaitGroup
		for _, src := range fleet {
			wg.Go(func() { s.mustBe(t, src, "ann") })
		}
		wg.Wait()
		if s.callCount() != 2 || s.reuses() != 0 {
			t.Fatalf("%d calls, %d reuses; want one for all", s.callCount(), s.reuses())
		}
	})
}

func TestI17_WhoIsBeingLoggedInElsewhereWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		one, two := of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann"), of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann")
		s.befall(slowly(3*time.Second), nil)
		go func() { _ = one.ExchangeCode(context.Background(), s.code("ann"), nil) }()
		synctest.Wait()
		s.mustBe(t, two, "ann")
		if s.callCount() != 1 {
			t.Fatalf("%d calls", s.callCount())
		}
	})
}

// An intent that is yet to begin comes from a clock that is wrong, and nobody
// waits for its owner.
func TestI17_AnIntentFromAClockThatIsAheadIsNotBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		src := of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann")
		s.login(t, src, "ann")
		settle(time.Hour)
		store.announceFrom(t, "ann", time.Now().Add(6*time.Hour), time.Now().Add(6*time.Hour+20*time.Second))
		start := time.Now()
		s.mustBe(t, src, "ann")
		if took := time.Since(start); took != 0 {
			t.Fatalf("it waited %v", took)
		}
	})
}

func TestI17_AnIntentOfAnotherIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		src := of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann")
		s.login(t, src, "ann")
		settle(time.Hour)
		store.announce(t, "ann", time.Now().Add(5*time.Second))
		start := time.Now()
		s.mustBe(t, src, "ann")
		if took := time.Since(start); took < 5*time.Second || took > 6*time.Second {
			t.Fatalf("it waited %v for an intent of 5 s", took)
		}
		settle(time.Hour)
		store.announce(t, "ann", time.Now().Add(20*time.Second))
		_, err := s.whoami(t.Context(), src)
		wantAll(t, err, `"users"`, "another process is using the refresh token")
	})
}

// Processes need not have the same time-out.
func TestI17_AnIntentHoldsForAsLongAsItsOwnerNeeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		patient := of(t, s.manager(t, authtrip.WithPlaintextStore(store), authtrip.Policy{FetchTimeout: 30 * time.Second}), "ann")
		hasty := of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann")
		s.login(t, patient, "ann")
		settle(2 * time.Hour)
		s.befall(nil, slowly(5*time.Second))
		go func() { _, _ = s.whoami(context.Background(), patient) }()
		settle(time.Second)
		s.mustBe(t, hasty, "ann")
		if s.callCount() != 2 || s.reuses() != 0 {
			t.Fatalf("%d calls, %d refresh tokens redeemed twice", s.callCount(), s.reuses())
		}
	})
}
