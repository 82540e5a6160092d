package main

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// The tests' own binary is the servers' process too.
func TestMain(m *testing.M) {
	serveIfAsked()
	os.Exit(m.Run())
}

// quick are settings for seconds: the faults that matter most, each once or so.
func quick() settings {
	set := newSettings(6*time.Second, 800*time.Millisecond)
	// The race detector and this package's other tests take memory too.
	set.minute, set.lifetime, set.workers, set.rssGrowth = 2*time.Second, 1300*time.Millisecond, 16, 1<<30
	set.calm, set.least, set.most = true, 0.7, 0.8
	set.faults = slices.DeleteFunc(set.faults, func(f fault) bool {
		return !slices.Contains([]string{
			"all tokens revoked", "`Source.Invalidate`, 503", "503 until the token has ended", "all tokens revoked, 429",
			"the same token again until it has ended", "the API cuts connections",
		}, f.name)
	})
	return set
}

func TestASoakOfSecondsGoesAsPredicted(t *testing.T) {
	res, err := run(quick())
	if err != nil {
		t.Fatal(err)
	}
	found := check(res)
	for _, f := range found {
		t.Error(f)
	}
	// It is a soak only if faults were felt.
	if res.seen.Rejected == 0 || res.seen.Cut == 0 || res.tally[left] == 0 || res.tally.forWantOfAToken() == 0 {
		t.Errorf("%d rejections, %d cuts, requests %v: some fault had no effect", res.seen.Rejected, res.seen.Cut, res.tally)
	}
	var report strings.Builder
	writeReport(&report, res, found)
	for _, want := range []string{"Everything was as predicted.", "| token calls | ", "| `Source.Invalidate`, 503 | 1 | ", "| goroutines, "} {
		if !strings.Contains(report.String(), want) {
			t.Errorf("the report has no %q:\n%s", want, report.String())
		}
	}
}

func TestTheReportSaysWhatWasNotAsPredicted(t *testing.T) {
	var report strings.Builder
	writeReport(&report, asPredicted(), []string{"it leaks"})
	if s := report.String(); !strings.Contains(s, "**Not as predicted:**\n\n- it leaks\n") || strings.Contains(s, "Everything") {
		t.Error(s)
	}
}

func TestTheDeckDealsEachFaultOnceBeforeAnyComesAgain(t *testing.T) {
	set := newSettings(time.Minute, time.Second)
	d := newDeck(set)
	for round := range 3 {
		seen := map[string]bool{}
		for range set.faults {
			seen[d.deal().name] = true
		}
		if len(seen) != len(set.faults) {
			t.Errorf("round %d has %d different faults of %d", round, len(seen), len(set.faults))
		}
	}
}
