package main

import (
	"fmt"
	"time"
)

// check compares a run with what was predicted and says in a sentence each what
// is not so; nothing when all is well.
func check(r results) []string {
	found := append([]string(nil), r.findings...)
	fail := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	r.checkVitals(fail)
	low, high := r.callsPredicted()
	if n := r.seen.TokenCalls; n < low || n > high {
		fail("%d token calls in all, want %d to %d", n, low, high)
	}
	if r.seen.Lost > 0 {
		fail("%d bodies came to the API other than they were sent", r.seen.Lost)
	}
	if r.tally[cut] > r.seen.Cut {
		fail("%d requests failed as their connection broke, and the API cut only %d", r.tally[cut], r.seen.Cut)
	}
	if most := r.mayOpen(); r.opened > int64(most) {
		fail("the circuit opened %d times, want %d at most: once for each outage", r.opened, most)
	}
	if r.tally[ok] == 0 || r.seen.Bodies == 0 {
		fail("no request was served: nothing was tested")
	}
	return found
}

func (r results) checkVitals(fail func(string, ...any)) {
	if len(r.samples) < 3 {
		fail("%d samples were taken, want 3 at least", len(r.samples))
		return
	}
	first, second := r.samples[0], r.samples[1]
	for i, s := range r.samples[1:] {
		n := i + 2
		if s.Goroutines != first.Goroutines {
			fail("%d goroutines after minute %d, want %d as after the first", s.Goroutines, n, first.Goroutines)
		}
		if s.unclosed > 0 {
			fail("%d response bodies are not closed after minute %d", s.unclosed, n)
		}
		if s.OpenFiles != first.OpenFiles {
			fail("%d open files after minute %d, want %d as after the first", s.OpenFiles, n, first.OpenFiles)
		}
		if more := s.HeapAlloc - second.HeapAlloc; more > r.heapGrowth {
			fail("%s of heap more after minute %d than after the second, want %s at most", mib(more), n, mib(r.heapGrowth))
		}
		if more := s.RSS - second.RSS; more > r.rssGrowth {
			fail("%s of resident memory more after minute %d than after the second, want %s at most", mib(more), n, mib(r.rssGrowth))
		}
	}
}

// callsPredicted is how many token calls there may be in all: at most what
// rules say; at least one for each token in use that was ended, and enough
// tokens for the time in which every request had one.
func (r results) callsPredicted() (low, high int) {
	high = r.rules.renewals(r.lasted)
	forced, well := 0, time.Duration(0)
	for _, w := range r.windows {
		high += w.extra
		forced += w.forced
		if w.failed == 0 {
			well += w.lasted
		}
	}
	return max(forced, r.rules.leastRenewals(well)), high
}

func (r results) mayOpen() (n int) {
	for _, w := range r.windows {
		if w.mayOpen {
			n++
		}
	}
	return n
}

func mib(bytes int64) string { return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20)) }
