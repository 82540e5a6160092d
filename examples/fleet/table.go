package main

import (
	"fmt"

	"github.com/authtrip/authtrip/authtest"
)

// table prints what each act cost, when it is over.
type table struct {
	stage   *stage
	counts  authtest.Counts // before the act
	reports []report        // before the act
	faults  []error
}

const row = "%-54s %8s %8s %9s %12s  %s\n"

func newTable(s *stage) (*table, error) {
	reports, err := s.fleet.order(count)
	fmt.Printf(row, "what happens", "requests", "failed", "rejected", "token calls", "expected")
	return &table{stage: s, counts: s.cloud.Counts(), reports: reports}, err
}

// add prints an act's row.
func (t *table) add(a act) error {
	reports, err := t.stage.fleet.order(count)
	if err != nil {
		return err
	}
	counts := t.stage.cloud.Counts()
	requests, failed := 0, 0
	for i, r := range reports {
		before := t.reports[i]
		requests += r.Requests - before.Requests
		failed += r.Failed - before.Failed
		for _, f := range r.Failures[len(before.Failures):] {
			t.faults = append(t.faults, fmt.Errorf("%s: %s", a.what, f))
		}
	}
	got, rejected := counts.TokenCalls-t.counts.TokenCalls, counts.Rejected-t.counts.Rejected
	want, atMost := a.calls(t.stage.size)
	expected := fmt.Sprint(want)
	if atMost {
		expected = "at most " + expected
	}
	fmt.Printf(row, a.what, fmt.Sprint(requests), fmt.Sprint(failed), fmt.Sprint(rejected), fmt.Sprint(got), expected)
	if got > want || got < want && !atMost {
		t.faults = append(t.faults, fmt.Errorf("%s: %d token calls, expected %s", a.what, got, expected))
	}
	if failed > 0 {
		t.faults = append(t.faults, fmt.Errorf("%s: %d requests failed, expected none", a.what, failed))
	}
	t.counts, t.reports = counts, reports
	return nil
}

// told says what the processes were told of their Store, and notes who was not
// told that it failed and that it works again.
func (t *table) told() string {
	failed, works := 0, 0
	for i, r := range t.reports {
		last := "nothing"
		for _, change := range r.StoreChanges {
			if last = change; change == "" {
				works++
			} else {
				failed++
			}
		}
		if last != "" {
			t.faults = append(t.faults, fmt.Errorf("process %d was told last of its Store: %s", i, last))
		}
	}
	return fmt.Sprintf("Hooks.StoreChanged told %d times that Redis fails, and %d times that it works again", failed, works)
}
