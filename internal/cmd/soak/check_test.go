package main

import (
	"strings"
	"testing"
	"time"

	"github.com/authtrip/authtrip/internal/vitals"
)

// asPredicted is a run in which all is well.
func asPredicted() results {
	set := newSettings(4*time.Minute, 3*time.Second)
	r := results{
		settings: set, lasted: set.length, opened: 1,
		rules: rules{lifetime: 5 * time.Second, fetchTimeout: 3 * time.Second, breakerDelay: time.Second, breakerMaxDelay: 10 * time.Second},
	}
	for range 80 {
		r.windows = append(r.windows, window{fault: "none", lasted: 3 * time.Second, calls: 1, want: 1})
	}
	r.windows[0].fault, r.windows[0].extra, r.windows[0].mayOpen = "500", 6, true
	for i := range 4 {
		r.samples = append(r.samples, sample{
			at: time.Duration(i+1) * time.Minute, lasted: time.Minute,
			Vitals: vitals.Vitals{Goroutines: 65, OpenFiles: 12, HeapAlloc: 1 << 20, RSS: 20 << 20},
		})
	}
	r.tally[ok], r.tally[cut] = 1000, 3
	r.seen.TokenCalls, r.seen.Bodies, r.seen.Cut = 70, 500, 3
	return r
}

func TestTheCheckFindsWhatIsNotAsPredicted(t *testing.T) {
	if found := check(asPredicted()); len(found) > 0 {
		t.Fatalf("all is well, and it finds %q", found)
	}
	for want, spoil := range map[string]func(*results){
		"66 goroutines after minute 4, want 65":           func(r *results) { r.samples[3].Goroutines++ },
		"64 goroutines after minute 2, want 65":           func(r *results) { r.samples[1].Goroutines-- },
		"13 open files after minute 3, want 12":           func(r *results) { r.samples[2].OpenFiles++ },
		"1 response bodies are not closed after minute 4": func(r *results) { r.samples[3].unclosed = 1 },
		"1.1 MiB of heap more after minute 4":             func(r *results) { r.samples[3].HeapAlloc += 1<<20 + 100<<10 },
		"17.0 MiB of resident memory more after minute 4": func(r *results) { r.samples[3].RSS += 17 << 20 },
		"2 samples were taken":                            func(r *results) { r.samples = r.samples[:2] },
		"83 token calls in all, want 53 to 82":            func(r *results) { r.seen.TokenCalls = 83 },
		"52 token calls in all, want 53 to 82":            func(r *results) { r.seen.TokenCalls = 52 },
		"70 token calls in all, want 80 to 82":            func(r *results) { forceAll(r) },
		"1 bodies came to the API other than they were":   func(r *results) { r.seen.Lost = 1 },
		"4 requests failed as their connection broke":     func(r *results) { r.tally[cut] = 4 },
		"the circuit opened 2 times, want 1 at most":      func(r *results) { r.opened = 2 },
		"no request was served":                           func(r *results) { r.tally[ok] = 0 },
		"a request carried a token that was not issued":   func(r *results) { r.findings = []string{"a request carried a token that was not issued"} },
	} {
		r := asPredicted()
		spoil(&r)
		if found := check(r); len(found) != 1 || !strings.Contains(found[0], want) {
			t.Errorf("it finds %q, want %q", found, want)
		}
	}
}

func forceAll(r *results) {
	for i := range r.windows {
		r.windows[i].forced = 1
	}
}

func TestPredictions(t *testing.T) {
	r := asPredicted().rules
	for _, x := range []struct {
		what      string
		got, want int
	}{
		{"renewals in no time", r.renewals(0), 1},
		{"renewals in 3.1 s of tokens that live 5 s", r.renewals(3100 * time.Millisecond), 1},
		{"renewals in 3.2 s", r.renewals(3200 * time.Millisecond), 2},
		{"renewals in a minute", r.renewals(time.Minute), 19},
		{"calls until the circuit opens", r.circuit(800 * time.Millisecond), 5},
		{"with a probe", r.circuit(time.Second), 6},
		{"with two", r.circuit(2800 * time.Millisecond), 7},
		{"in a minute of outage: after 0.9, 2.7, 6.3, 13.5, 22.5, … 58.5 s", r.circuit(time.Minute), 14},
		{"calls that hang for a second each", r.hanging(2900 * time.Millisecond), 3},
		{"or until the circuit opens", r.hanging(20 * time.Second), r.circuit(20 * time.Second)},
		{"429 for a moment", r.remembered(900 * time.Millisecond), 1},
		{"429 for a second", r.remembered(time.Second), 2},
		{"429 for a minute: at 0, 1, 3, 7, 15, 31 s", r.remembered(time.Minute), 6},
		{"Retry-After: 2, for five seconds", r.asToldIn(2*time.Second)(r, 5*time.Second), 3},
		{"the same token for a moment", r.sameAgain(900 * time.Millisecond), 2},
		{"the same token for two seconds", r.sameAgain(2 * time.Second), 4},
		{"tokens for a minute, 4.5 s each", r.leastRenewals(time.Minute), 13},
	} {
		if x.got != x.want {
			t.Errorf("%s: %d, want %d", x.what, x.got, x.want)
		}
	}
}
