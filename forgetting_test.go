package authtrip_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
)

func TestManyPrincipalsAreForgottenAndFoundAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		store := newSpyStore()
		m := s.manager(t, authtrip.Policy{MaxTokens: 100}, authtrip.WithPlaintextStore(store))
		early := of(t, m, "user-0")
		for i := range 1000 {
			s.login(t, of(t, m, fmt.Sprintf("user-%d", i)), fmt.Sprintf("user-%d", i))
			settle(time.Millisecond)
		}
		store.breakDown(failOnce("load"))
		if _, err := s.whoami(t.Context(), early); err == nil {
			t.Fatal("it was not forgotten: the Store was not asked")
		}
		s.mustBe(t, early, "user-0") // the handle finds its login again
		if s.callCount() != 1000 {
			t.Fatalf("%d calls, want none for the one that was forgotten: the Store has its token", s.callCount())
		}
		s.mustBe(t, early, "user-0")
		store.breakDown(func(string) error { return errors.New("it is not asked") })
		for i := 999; i > 920; i-- { // those that were used last are still there
			s.mustBe(t, of(t, m, fmt.Sprintf("user-%d", i)), fmt.Sprintf("user-%d", i))
		}
		store.breakDown(nil)
		s.endAccess()
		s.mustBe(t, of(t, m, "user-1"), "user-1") // forgotten, and ended since
		if s.callCount() != 1001 || s.reuses() != 0 {
			t.Fatalf("%d calls and %d reuses", s.callCount(), s.reuses())
		}
	})
}

func TestWhatExpiredIsForgottenFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		m := s.manager(t, authtrip.Policy{MaxTokens: 10}, authtrip.WithPlaintextStore(store))
		for i := range 5 {
			s.login(t, of(t, m, fmt.Sprint("long-", i)), fmt.Sprint("long-", i))
		}
		s.lifetime = 60
		for i := range 5 {
			s.login(t, of(t, m, fmt.Sprint("short-", i)), fmt.Sprint("short-", i)) // used later
		}
		settle(2 * time.Minute)
		for i := range 4 {
			s.login(t, of(t, m, fmt.Sprint("new-", i)), fmt.Sprint("new-", i))
		}
		store.breakDown(func(string) error { return errors.New("it is not asked") })
		for i := range 5 {
			s.mustBe(t, of(t, m, fmt.Sprint("long-", i)), fmt.Sprint("long-", i))
		}
	})
}

// One principal's flight hangs while thousands of others come and go.
func TestATokenWithAFlightInTheAirIsNotForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		store := newSpyStore()
		m := s.manager(t, authtrip.Policy{MaxTokens: 10}, authtrip.WithPlaintextStore(store))
		src := of(t, m, "ann")
		s.login(t, src, "ann")
		settle(time.Hour)
		calls := s.callCount()
		s.befall(func(n int, _ *http.Request) error {
			if n == calls+1 {
				time.Sleep(5 * time.Second)
			}
			return nil
		}, nil)
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() { s.mustBe(t, src, "ann") })
		}
		synctest.Wait()
		for i := range 100 {
			s.login(t, of(t, m, fmt.Sprint("user-", i)), fmt.Sprint("user-", i))
			if i%10 == 0 {
				wg.Go(func() { s.mustBe(t, of(t, m, "ann"), "ann") }) // joins the flight
				synctest.Wait()
			}
		}
		wg.Wait()
		if got := s.callCount() - calls; got != 101 || s.reuses() != 0 {
			t.Fatalf("%d calls, %d reuses; want 101 and none", got, s.reuses())
		}
		store.breakDown(func(string) error { return errors.New("it is not asked") })
		s.mustBe(t, src, "ann")
	})
}

// Callers that leave at once begin flights whose entries may be forgotten
// before they run.
func TestForgettingUnderLoad(t *testing.T) {
	s := newServer()
	m := s.manager(t, authtrip.Policy{MaxTokens: 3})
	const principals = 8
	for i := range principals {
		s.login(t, of(t, m, fmt.Sprint(i)), fmt.Sprint(i))
	}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for n := range 100 {
				who := fmt.Sprint((g + n) % principals)
				ctx, cancel := context.WithCancel(authtrip.WithPrincipal(context.Background(), who))
				if n%3 == 0 {
					cancel()
				}
				got, err := s.whoami(ctx, m)
				if got != who && !errors.Is(err, context.Canceled) && got != "Unauthorized" {
					t.Errorf("%q got %q, %v", who, got, err)
				}
				cancel()
			}
		})
	}
	wg.Wait()
	if s.reuses() != 0 {
		t.Fatalf("%d refresh tokens were sent twice", s.reuses())
	}
}

// Under the race detector there are fewer of them: it makes a call ten times as
// long. scripts/test.sh runs this test without it too.
func TestAHundredThousandPrincipalsTakeBoundedMemory(t *testing.T) {
	principals := 100_000
	if raceEnabled {
		principals /= 10
	}
	var n int
	var mu sync.Mutex
	m, err := authtrip.NewManager([]authtrip.Registration{user()}, authtrip.WithTokenTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
		mu.Lock()
		defer mu.Unlock()
		n++
		return jsonReply(r, 200, map[string]any{"access_token": fmt.Sprint("a", n), "refresh_token": fmt.Sprint("r", n), "expires_in": 3600}), nil
	})), authtrip.Policy{MaxTokens: 1000})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	before := heap()
	for i := range principals {
		if err := of(t, m, fmt.Sprint("user-", i)).ExchangeCode(t.Context(), "c", nil); err != nil {
			t.Fatal(err)
		}
	}
	per := (int(heap()) - int(before)) / principals
	t.Logf("%d bytes for each principal", per)
	if per > 1000 {
		t.Errorf("%d bytes for each of %d principals, want those of a record", per, principals)
	}
	tok, err := of(t, m, "user-7").Token(t.Context())
	if err != nil || tok.AccessToken() != "a8" {
		t.Fatalf("the first users lost their logins: %v", err)
	}
	runtime.KeepAlive(m)
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// What the Store did not take yet is nowhere else.
func TestI17_ALoginThatIsNotSavedIsNotForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		m := s.manager(t, authtrip.Policy{MaxTokens: 3}, authtrip.WithPlaintextStore(store))
		src := of(t, m, "ann")
		s.login(t, src, "ann")
		settle(time.Hour)
		s.befall(nil, atCall(func() { store.breakDown(down) }))
		s.mustBe(t, src, "ann")
		s.befall(nil, nil)
		store.breakDown(nil)
		for i := range 10 { // before it is saved
			s.login(t, of(t, m, fmt.Sprint(i)), fmt.Sprint(i))
		}
		s.mustBe(t, src, "ann")
		if s.callCount() != 12 || s.reuses() != 0 {
			t.Fatalf("%d calls, %d reuses; want 12 and none", s.callCount(), s.reuses())
		}
		settle(time.Minute)
		if live := s.live("ann"); !strings.Contains(store.holds("ann"), `"`+live+`"`) {
			t.Fatalf("the Store holds %s", store.holds("ann"))
		}
	})
}

// A login is there for as long as one of its tokens is: two of it would take
// turns by themselves.
func TestALoginIsForgottenWithTheLastOfItsTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		m := s.manager(t, authtrip.Policy{MaxTokens: 3})
		s.login(t, of(t, m, "ann"), "ann")
		scoped := authtrip.WithScopes(authtrip.WithPrincipal(t.Context(), "ann"), "less")
		for range 3 {
			settle(time.Millisecond)
			if got, err := s.whoami(scoped, m); got != "ann" || err != nil {
				t.Fatal(got, err)
			}
			s.login(t, of(t, m, fmt.Sprint(s.callCount())), "another")
		}
		settle(time.Hour)
		s.befall(slowly(time.Second), nil)
		var wg sync.WaitGroup
		wg.Go(func() { s.mustBe(t, of(t, m, "ann"), "ann") })
		wg.Go(func() {
			if got, err := s.whoami(scoped, m); got != "ann" || err != nil {
				t.Error(got, err)
			}
		})
		wg.Wait()
		if s.together != 1 || s.reuses() != 0 {
			t.Fatalf("%d calls at one time, %d reuses", s.together, s.reuses())
		}
	})
}

// Whatever bytes names hold, nobody gets what another waited for.
func TestNoTwoTokensHaveOneFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		m := s.managerOf(t, []authtrip.Registration{user(), user(func(r *authtrip.Registration) { r.ID = "users\x00\x02" })})
		type who struct{ id, principal string }
		all := []who{{"users", "\x00\x02"}, {"users\x00\x02", ""}, {"users", ""}, {"users", "\x00"}}
		var sources []*authtrip.Source
		for i, w := range all {
			src, err := m.SourceFor(w.id, w.principal)
			if err != nil {
				t.Fatal(err)
			}
			s.login(t, src, fmt.Sprint("user-", i))
			sources = append(sources, src)
		}
		settle(time.Hour)
		s.befall(slowly(time.Second), nil)
		var wg sync.WaitGroup
		for i, src := range sources {
			wg.Go(func() { s.mustBe(t, src, fmt.Sprint("user-", i)) })
		}
		wg.Wait()
		if s.callCount() != 2*len(all) {
			t.Fatalf("%d calls for %d tokens", s.callCount(), len(all))
		}
	})
}
