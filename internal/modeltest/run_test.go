package modeltest_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// How many schedules run, and which, unless flags say otherwise: what is a
// matter of chance is for who looks for it. -rapid.seed=0 draws new ones.
const (
	checks = "500"
	seed   = "1"
)

func TestMain(m *testing.M) {
	if os.Getenv("RAPID_CHECKS") == "" {
		_ = flag.Set("rapid.checks", checks) // the command line comes later, and wins
		_ = flag.Set("rapid.seed", seed)
	}
	os.Exit(m.Run())
}

// TestEverySchedule is what the package is for.
func TestEverySchedule(t *testing.T) {
	started := time.Now()
	all := totals{figures: figures{}}
	rapid.Check(t, func(rt *rapid.T) {
		s := drawSchedule(rt)
		seen, failed := s.run(t)
		all.add(seen.count)
		if failed != "" {
			if all.found() {
				t.Logf("found in schedule %d: %s", all.count(), failed)
			}
			rt.Fatalf("%s\n\n%s\n%s", failed, s, seen)
		}
	})
	all.report(t, time.Since(started))
}

// run runs a schedule in a bubble of its own. What failed is "" if nothing did.
// Nothing may fail inside: that would end the test, and the schedule could be
// neither shown nor shrunk.
func (s schedule) run(t *testing.T) (seen *model, failed string) {
	watch := time.AfterFunc(realTime, func() {
		panic(fmt.Sprintf("a schedule has not ended after %v\n%s", realTime, s))
	})
	defer watch.Stop()
	var w *world
	defer func() {
		p := recover()
		if seen = w.model; seen.broken != "" {
			failed = seen.broken
		} else if p != nil { // the bubble is blocked, or its goroutines have not ended
			failed = fmt.Sprint("after Close nothing is left: ", p)
		}
	}()
	synctest.Test(t, func(*testing.T) {
		w = newWorld(s)
		w.run()
	})
	return nil, ""
}

// realTime is longer than any schedule takes.
const realTime = 2 * time.Minute
