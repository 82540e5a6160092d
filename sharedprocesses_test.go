//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package authtrip_test

import (
	"fmt"
	"net/http"
	"os"
	"testing"
)

// Each access token ends early, for all processes at once, and one of them has
// another for all.
func TestI17_ProcessesThatRefreshAtOnceMakeOneCall(t *testing.T) {
	if wasPart(t) {
		return
	}
	for _, c := range []struct{ processes, rounds int }{{2, 20}, {8, 8}} {
		t.Run(fmt.Sprint(c.processes), func(t *testing.T) {
			k := newKilled(t)
			var all []*process
			for range c.processes {
				all = append(all, startProcess(t, part{Dir: k.dir, Server: k.url}))
			}
			for round := range c.rounds {
				k.endAccess()
				for _, p := range all {
					p.tell(t, toAsk)
				}
				for _, p := range all {
					p.mustAnswer(t, "ann")
				}
				if got := k.callCount() - 1; got != round+1 || k.reuses() != 0 {
					t.Fatalf("%d calls in %d rounds, %d refresh tokens were sent twice; want one call a round", got, round+1, k.reuses())
				}
			}
			if k.together != 1 {
				t.Errorf("%d calls at one time", k.together)
			}
		})
	}
}

// Who waits for another process does not matter to it.
func TestI17_AProcessMayBeKilledWhileItWaitsForAnother(t *testing.T) {
	if wasPart(t) {
		return
	}
	k := newKilled(t)
	called, answer := make(chan struct{}, 10), make(chan struct{})
	k.befall(nil, func(int, *http.Request) error {
		called <- struct{}{}
		<-answer
		return nil
	})
	redeems := startProcess(t, part{Dir: k.dir, Server: k.url, Patient: true})
	redeems.tell(t, toRefresh)
	<-called
	waits := startProcess(t, part{Dir: k.dir, Server: k.url, Looks: true})
	waits.tell(t, toRefresh)
	for range 3 { // it finds ann's token, then an intent, then it again
		waits.mustAnswer(t, looking)
	}
	waits.kill()
	close(answer)
	redeems.mustAnswer(t, "ann")
	k.befall(nil, nil)
	k.survive()
	<-k.survived
	if got := k.callCount() - 1; got != 1 {
		t.Errorf("%d calls after the login, want one for all", got)
	}
	k.wantAlive(t)
}

// A pair that the Store did not take is saved by who closes its Manager, where
// who is killed loses it.
func TestI17_AProcessThatIsClosedSavesWhatTheStoreDidNotTake(t *testing.T) {
	if wasPart(t) {
		return
	}
	k := newKilled(t)
	away := k.dir + ".away"
	k.befall(nil, func(int, *http.Request) error {
		k.befall(nil, nil)
		return os.Rename(k.dir, away)
	})
	p := startProcess(t, part{Dir: k.dir, Server: k.url, Patient: true})
	p.tell(t, toRefresh)
	p.mustAnswer(t, "ann"+k.storeIsGone())
	if err := os.Rename(away, k.dir); err != nil {
		t.Fatal(err)
	}
	p.tell(t, toClose)
	p.mustAnswer(t, "closed")
	p.kill()
	k.survive()
	<-k.survived
	if got := k.callCount() - 1; got != 1 {
		t.Errorf("%d calls after the login, want none but that of who closed", got)
	}
	k.wantAlive(t)
}
