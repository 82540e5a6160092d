package authtrip_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
)

// Far more principals than are kept, each of which goes through all that may
// befall a token, while others push it out.
func TestI17_ACrowdLosesNoLoginAndFailsNoRequest(t *testing.T) {
	const principals, workers, turns, kept = 5000, 200, 12, 500
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		s.lifetime = 100
		flights := newFlights(t, s)
		s.befall(flights.begins, flights.ends)
		m := s.manager(t, authtrip.Policy{MaxTokens: kept}, authtrip.WithPlaintextStore(store))
		who := func(i int) string { return fmt.Sprint("user-", i) }
		// What is done to one principal begins when what was done before is
		// over: a request whose replay is rejected too may fail.
		turn, known := make([]chan struct{}, principals), make([]bool, principals)
		for i := range turn {
			turn[i] = make(chan struct{}, 1)
		}
		var crowd sync.WaitGroup
		for g := range workers {
			crowd.Go(func() {
				r := rand.New(rand.NewPCG(7, uint64(g)))
				for range turns {
					i := r.IntN(principals)
					if r.IntN(3) == 0 {
						i = r.IntN(50) // some come often
					}
					turn[i] <- struct{}{}
					src := of(t, m, who(i))
					if !known[i] {
						s.login(t, src, who(i))
						known[i] = true
					}
					what := r.IntN(6)
					s.befallOne(t, src, who(i), what)
					s.askAll(t, m, src, who(i))
					if what == suspected { // no replay ends the pause
						time.Sleep(3 * time.Minute)
					}
					<-turn[i]
					time.Sleep(time.Duration(r.IntN(40)) * time.Second)
				}
			})
		}
		crowd.Wait()
		settle(time.Minute)
		if s.reuses() != 0 {
			t.Errorf("%d codes or refresh tokens were sent twice", s.reuses())
		}
		for i := range principals {
			if !known[i] {
				continue
			}
			if held, live := store.holds(who(i)), s.live(who(i)); !strings.Contains(held, `"refresh_token":"`+live+`"`) || strings.Contains(held, "intent") {
				t.Fatalf("%s has %s, and the Store holds %s", who(i), live, held)
			}
		}
		entries, scoped, logins, pins := authtrip.Kept(m)
		if entries > kept || scoped > entries || logins != 0 || pins != 0 {
			t.Errorf("%d entries, %d of them for other scopes, pinned %d times, and %d logins are kept", entries, scoped, pins, logins)
		}
		if n := s.callCount(); n < workers*turns/3 {
			t.Errorf("%d token calls only", n)
		}
	})
}

const suspected = 2

// befallOne is one of the things that end a token, or none.
func (s *server) befallOne(t *testing.T, src *authtrip.Source, principal string, what int) {
	ctx := context.Background()
	switch what {
	case 0: // at the server: it is rejected
		s.mu.Lock()
		for token, user := range s.access {
			if user == principal {
				delete(s.access, token)
			}
		}
		s.mu.Unlock()
	case 1, suspected:
		tok, err := src.Token(ctx)
		if err != nil {
			t.Errorf("%s: %v", principal, err)
		}
		if what == 1 {
			src.Invalidate(tok)
		} else {
			src.Suspect(tok)
		}
	case 3:
		if err := src.Revoke(ctx); err != nil {
			t.Errorf("%s: %v", principal, err)
		}
		s.login(t, src, principal)
	case 4:
		time.Sleep(2 * time.Minute) // it expires
	}
}

// askAll asks for one principal several times at once, for other scopes too.
func (s *server) askAll(t *testing.T, m *authtrip.Manager, src *authtrip.Source, principal string) {
	chosen := authtrip.WithPrincipal(context.Background(), principal)
	scoped := authtrip.WithScopes(chosen, "less")
	var all sync.WaitGroup
	for _, ask := range []func() (string, error){
		func() (string, error) { return s.whoami(chosen, m) },
		func() (string, error) { return s.whoami(context.Background(), src) },
		func() (string, error) { return s.whoami(scoped, m) },
		func() (string, error) { return s.whoami(scoped, m) },
	} {
		all.Go(func() {
			if got, err := ask(); got != principal || err != nil {
				t.Errorf("the API saw %q, error %v; want %q", got, err, principal)
			}
		})
	}
	all.Wait()
}

// flights knows the token calls under way of each user.
type flights struct {
	t *testing.T
	s *server

	mu   sync.Mutex
	user map[int]string // guarded by mu; by call
	busy map[string]int // guarded by mu
}

func newFlights(t *testing.T, s *server) *flights {
	return &flights{t: t, s: s, user: map[int]string{}, busy: map[string]int{}}
}

func (f *flights) begins(call int, _ *http.Request) error {
	f.s.mu.Lock()
	form := f.s.calls[call-1]
	user := f.s.codes[form.Get("code")] + f.s.refresh[form.Get("refresh_token")]
	f.s.mu.Unlock()
	f.mu.Lock()
	f.user[call] = user
	if f.busy[user]++; f.busy[user] > 1 {
		f.t.Errorf("%d token calls for %q at one time", f.busy[user], user)
	}
	f.mu.Unlock()
	time.Sleep(20 * time.Millisecond)
	return nil
}

func (f *flights) ends(call int, _ *http.Request) error {
	time.Sleep(20 * time.Millisecond)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.busy[f.user[call]]--
	return nil
}
