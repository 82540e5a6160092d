package fleetsim

import (
	"testing"
	"time"
)

// What docs/fleet.md promises, of every scenario. Nothing here depends on how fast
// the machine is.
func TestAFleetKeepsItsBounds(t *testing.T) {
	w, p := usual(1000), plan{lifetimes: 2, calm: 2 * time.Minute, busy: 4 * time.Second}
	if raceEnabled {
		w.processes = 60
	}
	n := w.processes
	looks, patience := promised(w)
	patience += 2 * w.answer
	alone := w.call + 2*w.answer + 10*time.Millisecond // without waiting for anybody
	renewals := 4                                      // of 2 lifetimes, the first at 0.63 of one at least
	renewing := int(2*3*time.Minute/p.busy) + 40       // two operations for a request that finds it due
	inTurn := 3 * 3 * 60                               // three attempts a second, whoever makes them
	bounds := []bound{
		{"cold start, all at once", 1, 2*looks + 1, patience, 0},
		{"steady traffic through lifetimes", renewals, 5 * renewals, w.answer, 0},
		{"the token expired while nobody asked; all at once", 1, 2*looks + 1, patience, 0},
		{"the token revoked; all at once", 1, 2*looks + 1, patience, 0},
		{"the token revoked, under traffic", 1, 2*looks + 1, patience, 0},
		{"the Store refuses, through lifetimes", renewals * n, 2 * renewals, w.answer, 0},
		{"the Store hangs, through lifetimes", renewals * n, 2 * renewals, w.answer, 0},
		{"it is back, for a lifetime", 3, 12, w.answer, 0},
		{"after an outage all tokens were revoked while they differed", 2, 2*looks + 20, patience + alone, n},
		{"a minute after an outage the tokens expired; all at once", 1, 2*looks + 2, patience, 0},
		{"cold start, the Store refuses", n, 2, alone, 0},
		{"cold start, the Store hangs", n, 2, time.Second + alone, 0},
		{"the token revoked, the Store hangs; all at once", n, 2, time.Second + alone, 0},
		{"the Store loses its records, through lifetimes", renewals, 5 * renewals, w.answer, 0},
		{"cold start, whoever has the lease died", 2, 30, 4500*time.Millisecond + alone, 0},
		{"renewals due, the authorization server says 503, 3 minutes", inTurn, renewing, w.answer, 0},
		{"renewals due, the authorization server hangs, 3 minutes", inTurn / 9, renewing, w.answer, 0},
		{"renewals due, it is back, a minute", 2, 20, w.answer, 0},
		{"cold start, the authorization server says 503, a minute", 15 * n, 80, 3 * time.Second, 60 * n},
		{"cold start, the authorization server hangs, a minute", 30 * n, 250, 10 * time.Second, 60 * n},
		{"cold start, it is back, a minute", 2, 20, 2 * time.Second, 2 * n},
	}
	for _, s := range scenarios {
		for i, got := range s.run(t, w, p) {
			row := s.rows[i]
			checked := false
			for _, b := range bounds {
				if b.row == row {
					b.check(t, got)
					checked = true
				}
			}
			if !checked {
				t.Errorf("%s: nothing is promised", row)
			}
			if row == "it is back, for a lifetime" && (got.tokens > 2 || got.peak > n/5+10) {
				t.Errorf("%s: %d tokens are in use, %d operations of the Store in one second", row, got.tokens, got.peak)
			}
		}
	}
}

// bound is what is promised of a row.
type bound struct {
	row     string
	calls   int           // to the token endpoint
	most    int           // operations of one process
	longest time.Duration // request
	failed  int
}

func (b bound) check(t *testing.T, got figures) {
	t.Helper()
	t.Logf("%-60s %d calls, %d operations, %d of one process, %d in one second, %d of %d failed, %v", b.row, got.calls, got.store.total(), got.most, got.peak, got.failed, got.requests, got.longest)
	if got.calls > b.calls {
		t.Errorf("%s: %d token calls, want %d at most", b.row, got.calls, b.calls)
	}
	if got.most > b.most {
		t.Errorf("%s: %d operations of one process, want %d at most", b.row, got.most, b.most)
	}
	if got.longest > b.longest {
		t.Errorf("%s: a request took %v, want %v at most", b.row, got.longest, b.longest)
	}
	if got.failed > b.failed {
		t.Errorf("%s: %d requests failed, want %d at most", b.row, got.failed, b.failed)
	}
	if got.requests == 0 || got.store.total() == 0 {
		t.Errorf("%s: nothing happened", b.row)
	}
}

// promised is how often one process looks at the Store while another one makes a
// token call, and how long a request waits for that. The waits between looks are
// of 50 ms, doubling to 500 ms, each half as long again or half as short; in front
// of the call are a look, the lease and another look, and behind it is what saves.
func promised(w world) (looks int, longest time.Duration) {
	there := 5*w.away + w.call
	passed, wait := time.Duration(0), 50*time.Millisecond
	for looks = 2; ; looks++ { // the first, and the one that finds it
		passed += wait / 2
		longest = there + wait*3/2 + 5*w.away
		if passed >= there {
			return looks, longest
		}
		wait = min(2*wait, 500*time.Millisecond)
	}
}
