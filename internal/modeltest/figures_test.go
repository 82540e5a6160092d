package modeltest_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// figures say what was reached.
type figures map[string]int

// mustHappen are those that a whole run has to reach: a generator that never
// opens the circuit tests nothing.
var mustHappen = []string{
	"steps", "callers", "sends", "accepted", "waited", "served", "left", "errors",
	"tokenCalls", "flights", "renewals", "reissues", "same", "failures", "timeouts", "refusals", "openings", "refusedAtOnce",
	"rejections", "replays", "unreplayed", "paused", "drops", "suspicions", "closed", "stepped",
}

// totals are the figures of all worlds.
type totals struct {
	mu      sync.Mutex
	figures figures // guarded by mu
	worlds  int     // guarded by mu
	failed  bool    // guarded by mu
}

func (t *totals) add(f figures) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for name, n := range f {
		t.figures[name] += n
	}
	t.worlds++
}

// found reports whether this is the first that failed: what follows is the
// search for a smaller one.
func (t *totals) found() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	first := !t.failed
	t.failed = true
	return first
}

func (t *totals) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.worlds
}

// report prints the figures, and fails the test when something never happened.
func (t *totals) report(tb testing.TB, took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var b strings.Builder
	var missing []string
	for _, name := range mustHappen {
		fmt.Fprintf(&b, ", %d %s", t.figures[name], name)
		if t.figures[name] == 0 {
			missing = append(missing, name)
		}
	}
	tb.Logf("%d schedules in %.1f s%s", t.worlds, took.Seconds(), b.String())
	if len(missing) > 0 && t.worlds >= 200 {
		tb.Errorf("in %d schedules there were no %s: the schedules do not reach what they should", t.worlds, strings.Join(missing, ", "))
	}
}
