//go:build unix

package redisstore_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
)

// The points of a refresh that the server comes to.
const (
	atTheCall    = "with its call at the server, which has not worked on it"
	afterTheCall = "with the refresh token rotated, before the answer"
)

func TestI17_ProcessesThatRefreshAtOnceMakeOneCall(t *testing.T) {
	if wasPart(t) {
		return
	}
	t.Parallel()
	e := newEngine(t)
	for _, c := range []struct{ processes, rounds int }{{2, 15}, {8, 8}} {
		t.Run(fmt.Sprint(c.processes), func(t *testing.T) {
			k := newKilled(t, e)
			var all []*process
			for range c.processes {
				all = append(all, startProcess(t, part{Redis: e.addr, Server: k.url}))
			}
			for round := range c.rounds {
				k.endAccess()
				for _, p := range all {
					p.tell(t, toAsk)
				}
				for _, p := range all {
					p.mustAnswer(t, "200 OK")
				}
				if calls, reuses := k.counts(); calls != round+1 || reuses != 0 {
					t.Fatalf("%d calls in %d rounds, %d refresh tokens were sent twice; want one call a round", calls, round+1, reuses)
				}
			}
		})
	}
}

// A refresh token that the server has rotated is lost if nobody has saved the
// new one. At every other point it does not matter who is killed.
func TestI17_AProcessMayBeKilledWhileItRefreshes(t *testing.T) {
	if wasPart(t) {
		return
	}
	t.Parallel()
	cases := []struct {
		at     string
		calls  int  // refreshes
		intent bool // whether the others have to wait for the end of one
		lost   bool
	}{
		{at: beforeTheIntent, calls: 1},
		{at: afterTheIntent, calls: 1, intent: true},
		{at: atTheCall, calls: 2, intent: true},
		{at: afterTheCall, calls: 2, intent: true, lost: true},
		{at: afterTheAnswer, calls: 2, intent: true, lost: true},
		{at: inTheSave, calls: 1},
		{at: afterTheSave, calls: 1},
	}
	e := newEngine(t)
	all := make([]*killed, len(cases))
	for i, c := range cases {
		all[i] = newKilled(t, e)
		all[i].killAt(t, e, c.at)
		go all[i].survive()
	}
	for i, c := range cases {
		t.Run(c.at, func(t *testing.T) {
			k := all[i]
			<-k.survived
			if waited := k.took > hastyIntent-5*time.Millisecond; waited != c.intent {
				t.Errorf("the others went on after %v, the intent holds for %v", k.took, hastyIntent)
			}
			if calls, _ := k.counts(); calls != c.calls {
				t.Errorf("%d calls, want %d", calls, c.calls)
			}
			if c.lost {
				k.wantLost(t)
			} else {
				k.wantAlive(t)
			}
		})
	}
}

// killed is a login that survives in two processes' worth of Managers, when a
// third is killed.
type killed struct {
	*server
	survivors []*authtrip.Source
	victim    *process
	begin     time.Time // of the refresh in which it is killed

	survived chan struct{} // closed when errs and took are there
	errs     []error       // of the survivors
	took     time.Duration
}

func newKilled(t *testing.T, e *engine) *killed {
	t.Helper()
	k := &killed{server: newServer(t), survived: make(chan struct{})}
	for range 2 {
		k.survivors = append(k.survivors, user(t, k.url, storeAt(t, e.addr)))
	}
	login(t, k.survivors[0])
	k.mustBeServed(t)
	return k
}

// killAt has a process refresh, and kills it at a point.
func (k *killed) killAt(t *testing.T, e *engine, at string) {
	t.Helper()
	die := func() bool {
		k.befall(nil, nil)
		k.victim.kill()
		return false
	}
	switch at {
	case atTheCall:
		k.befall(die, nil)
	case afterTheCall:
		k.befall(nil, die)
	}
	lossy := newProxy(t, e.addr)
	lossy.loseNext()
	k.victim = startProcess(t, part{Redis: e.addr, Lossy: lossy.addr, Server: k.url, At: at})
	k.begin = time.Now()
	k.victim.tell(t, toRefresh)
	k.victim.mustDie(t)
	if at == inTheSave {
		lossy.mustHaveLost(t)
	}
}

// survive has the others want another access token than the first, both at once.
func (k *killed) survive() {
	defer close(k.survived)
	k.errs = k.another()
	k.took = time.Since(k.begin)
}

func (k *killed) another() []error {
	var wg sync.WaitGroup
	errs := make([]error, len(k.survivors))
	for i, src := range k.survivors {
		wg.Go(func() { errs[i] = another(src) })
	}
	wg.Wait()
	return errs
}

// wantAlive wants that nobody was logged out, and no refresh token sent twice.
func (k *killed) wantAlive(t *testing.T) {
	t.Helper()
	if _, reuses := k.counts(); errors.Join(k.errs...) != nil || reuses != 0 {
		t.Fatalf("%v; %d refresh tokens were sent twice", errors.Join(k.errs...), reuses)
	}
	k.mustBeServed(t)
}

// wantLost wants what no client can prevent: the old refresh token was sent
// again, once, all are told to log in, and can.
func (k *killed) wantLost(t *testing.T) {
	t.Helper()
	before, _ := k.counts()
	for _, err := range append(k.errs, k.another()...) {
		if !errors.Is(err, authtrip.ErrAuthorizationRequired) {
			t.Errorf("%v, want ErrAuthorizationRequired", err)
		}
	}
	if calls, reuses := k.counts(); calls != before || reuses != 1 {
		t.Errorf("%d calls after that, %d refresh tokens were sent twice; want 0, 1", calls-before, reuses)
	}
	login(t, k.survivors[1])
	k.mustBeServed(t)
}

func (k *killed) mustBeServed(t *testing.T) {
	t.Helper()
	for _, src := range k.survivors {
		if got, err := ask(src, k.url); got != "200 OK" || err != nil {
			t.Fatalf("the API said %q, %v", got, err)
		}
	}
}
