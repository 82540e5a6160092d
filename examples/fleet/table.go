package main

import (
	"fmt"

	"github.com/authtrip/authtrip/authtest"
)

// table prints what each act cost, when it is over.
type table struct {
	stage            *stage
	counts           authtest.Counts // before the act
	requests, failed int             // before the act
	faults           []error
}

const row = "%-54s %8v %8v %9v %12v  %v\n"

func newTable(s *stage) *table {
	fmt.Printf(row, "what happens", "requests", "failed", "rejected", "token calls", "expected")
	return &table{stage: s, counts: s.cloud.Counts()}
}

// add prints an act's row, and notes what differs from what it should be.
func (t *table) add(a act) error {
	f := t.stage.fleet
	err := f.order(count)
	counts := t.stage.cloud.Counts()
	got, failed := counts.TokenCalls-t.counts.TokenCalls, f.failed-t.failed
	want, expected := a.calls, fmt.Sprint(a.calls)
	if a.each {
		want *= f.size.processes
		expected = fmt.Sprintf("at most %d", want)
	}
	fmt.Printf(row, a.what, f.requests-t.requests, failed, counts.Rejected-t.counts.Rejected, got, expected)
	if got > want || got < want && !a.each {
		t.faults = append(t.faults, fmt.Errorf("%s: %d token calls, expected %s", a.what, got, expected))
	}
	if failed > 0 {
		t.faults = append(t.faults, fmt.Errorf("%s: %d requests failed, expected none: %q", a.what, failed, f.failures))
	}
	t.counts, t.requests, t.failed, f.failures = counts, f.requests, f.failed, nil
	return err
}

// told says what the processes were told of Redis, and notes who was not told of
// an outage and its end.
func (t *table) told() string {
	failed, works := 0, 0
	for i, changes := range t.stage.fleet.changes {
		begun, ended := 0, 0
		for _, change := range changes {
			if change == "" {
				ended++
			} else {
				begun++
			}
		}
		if begun < t.stage.outages || begun != ended {
			t.faults = append(t.faults, fmt.Errorf("process %d was told of %d outages of Redis and the end of %d; there were %d: %q",
				i, begun, ended, t.stage.outages, changes))
		}
		failed, works = failed+begun, works+ended
	}
	return fmt.Sprintf("Hooks.StoreChanged told %d times that Redis fails, and %d times that it works again", failed, works)
}
