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
	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/nhn"
)

// fleet is several Managers, as if each were a process of its own, that share a
// Store and call one emulator.
type fleet struct {
	t     *testing.T
	srv   *authtest.NHN
	store *spyStore
	all   []*member
}

type member struct {
	t      *testing.T
	src    *authtrip.Source
	client *http.Client
	url    string

	mu      sync.Mutex
	changes []error // guarded by mu; what StoreChanged told
}

// inFleet runs f with n members in a bubble.
func inFleet(t *testing.T, n int, f func(*testing.T, *fleet), options ...authtrip.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		fl := &fleet{t: t, srv: authtest.NewNHN(authtest.InMemory(), authtest.API(organizations)), store: newSpyStore()}
		t.Cleanup(fl.srv.Close)
		for range n {
			fl.join(options...)
		}
		f(t, fl)
	})
}

// organizations is an API of which one path rejects every token.
var organizations = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/always-401" {
		w.WriteHeader(http.StatusUnauthorized)
	}
})

// join adds a member.
func (f *fleet) join(options ...authtrip.Option) *member {
	f.t.Helper()
	return f.joinAs(nhn.Registration(f.srv.Credentials(), f.srv.Options()...), options...)
}

func (f *fleet) joinAs(reg authtrip.Registration, options ...authtrip.Option) *member {
	f.t.Helper()
	m := &member{t: f.t, url: f.srv.APIURL + "/v1/organizations"}
	token := f.srv.Transport().Clone()
	token.DisableKeepAlives = true
	m.src = newSource(f.t, reg, append([]authtrip.Option{
		authtrip.WithPlaintextStore(f.store), authtrip.WithTokenTransport(token), authtrip.Hooks{StoreChanged: func(err error) {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.changes = append(m.changes, err)
		}},
	}, options...)...)
	m.client = &http.Client{Transport: &authtrip.Transport{Source: m.src, Base: f.srv.Transport()}}
	f.all = append(f.all, m)
	return m
}

// get sends a request and returns its status, or 0 and the error.
func (m *member) get() (int, error) {
	res, err := m.client.Get(m.url)
	if err != nil {
		return 0, err
	}
	return res.StatusCode, res.Body.Close()
}

func (m *member) mustGet() {
	m.t.Helper()
	if status, err := m.get(); status != 200 || err != nil {
		m.t.Fatalf("GET: status %d, error %v; want 200", status, err)
	}
}

// mustGetAll sends some requests of every member's at once, and returns the
// longest time that one took.
func (f *fleet) mustGetAll() time.Duration {
	f.t.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	var longest time.Duration
	failed := map[string]int{}
	for _, m := range f.all {
		for range 3 {
			wg.Go(func() {
				start := time.Now()
				status, err := m.get()
				mu.Lock()
				defer mu.Unlock()
				longest = max(longest, time.Since(start))
				if status != 200 || err != nil {
					failed[fmt.Sprint(status, err)]++
				}
			})
		}
	}
	wg.Wait()
	if len(failed) > 0 {
		f.t.Fatalf("requests failed: %v", failed)
	}
	return longest
}

func (f *fleet) wantTokenCalls(n int) {
	f.t.Helper()
	if got := f.srv.Counts().TokenCalls; got != n {
		f.t.Fatalf("%d token calls, want %d", got, n)
	}
}

// only is the one record that the Store has under a key that begins so, if any.
func (s *spyStore) only(t *testing.T, prefix string) (key, value, version string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for k := range s.keys {
		if len(k) < len(prefix) || k[:len(prefix)] != prefix {
			continue
		}
		v, ver, err := s.Store.Load(context.Background(), k)
		if err != nil {
			continue
		}
		if key != "" {
			t.Fatalf("the Store has more than one record under %s", prefix)
		}
		key, value, version = k, string(v), ver
	}
	return key, value, version
}

// mustHoldLease has another process hold the lease.
func (s *spyStore) mustHoldLease(t *testing.T, value string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range s.keys {
		if strings.HasPrefix(key, "lease/") {
			if _, err := s.Store.Save(t.Context(), key, []byte(value), "", time.Minute); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatal("nobody has tried for a lease")
}

func TestAFleetMakesOneTokenCallForAColdStart(t *testing.T) {
	inFleet(t, 20, func(t *testing.T, f *fleet) {
		f.srv.Break(authtest.Fault{Delay: 200 * time.Millisecond})
		if longest := f.mustGetAll(); longest > time.Second {
			t.Errorf("a request took %v", longest)
		}
		f.wantTokenCalls(1)
		f.mustGetAll()
		f.join()
		f.mustGetAll() // who comes later needs no call either
		f.wantTokenCalls(1)
		synctest.Wait()
		if key, _, _ := f.store.only(t, "lease/"); key != "" {
			t.Error("the lease was not given back")
		}
	})
}

func TestAFleetMakesOneTokenCallALifetime(t *testing.T) {
	inFleet(t, 20, func(t *testing.T, f *fleet) {
		const lifetime, lifetimes = time.Hour, 3
		f.srv.SetLifetime(lifetime)
		f.mustGetAll()
		for began := time.Now(); time.Since(began) < lifetimes*lifetime; settle(time.Minute) {
			for _, m := range f.all {
				start := time.Now()
				if m.mustGet(); time.Since(start) > 0 {
					t.Fatalf("a request waited %v for a renewal", time.Since(start))
				}
			}
		}
		// At two thirds of each, or up to two minutes before.
		if got := f.srv.Counts().TokenCalls; got != 5 {
			t.Fatalf("%d token calls in %v, want 5", got, lifetimes*lifetime)
		}
	})
}

func TestAFleetMakesOneTokenCallWhereATokenExpiresBetweenRequests(t *testing.T) {
	inFleet(t, 20, func(t *testing.T, f *fleet) {
		f.srv.SetLifetime(time.Hour)
		for n := range 5 {
			f.mustGetAll()
			f.wantTokenCalls(n + 1)
			settle(time.Hour)
		}
	})
}

func TestAFleetMakesOneTokenCallForARevocation(t *testing.T) {
	inFleet(t, 20, func(t *testing.T, f *fleet) {
		f.mustGetAll()
		for n := range 5 {
			settle(5 * time.Second)
			f.srv.RevokeAll()
			f.mustGetAll()
			f.wantTokenCalls(2 + n)
		}
	})
}

// A newer token that another process has got makes a call needless.
func TestARejectedTokenIsReplacedByAnotherProcesssWithoutACall(t *testing.T) {
	inFleet(t, 2, func(t *testing.T, f *fleet) {
		one, two := f.all[0], f.all[1]
		one.mustGet()
		two.mustGet()
		f.srv.RevokeAll()
		one.mustGet()
		f.wantTokenCalls(2)
		settle(time.Hour)
		two.mustGet()
		f.wantTokenCalls(2)
	})
}

func TestATokenOutlivesItsProcess(t *testing.T) {
	inFleet(t, 1, func(t *testing.T, f *fleet) {
		f.all[0].mustGet()
		if err := f.all[0].src.Close(); err != nil { // which waits for the Store
			t.Fatal(err)
		}
		f.all = nil
		for range 5 {
			m := f.join()
			m.mustGet()
			_ = m.src.Close()
		}
		f.wantTokenCalls(1)
	})
}

// A process that dies takes its lease along: the others wait, and not for long.
func TestWhoHoldsTheLeaseMayDie(t *testing.T) {
	inFleet(t, 3, func(t *testing.T, f *fleet) {
		f.mustGetAll()
		synctest.Wait()
		key, _, version := f.store.only(t, "token/")
		if err := f.store.Store.Delete(t.Context(), key, version); err != nil {
			t.Fatal(err)
		}
		f.srv.RevokeAll()
		if _, err := f.store.Store.Save(t.Context(), "lease/"+key[len("token/"):], []byte("dead"), "", time.Hour); err != nil {
			t.Fatal(err)
		}
		if longest := f.mustGetAll(); longest > 7*time.Second {
			t.Errorf("a request waited %v", longest)
		}
		if got := f.srv.Counts().TokenCalls; got > 1+3 {
			t.Errorf("%d token calls", got)
		}
	})
}
