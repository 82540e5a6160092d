package main

import (
	"slices"
	"time"

	"github.com/authtrip/authtrip/bench/fake"
	"github.com/authtrip/authtrip/bench/harness"
)

// The columns that goals are about.
const (
	colValid       = "requests in the first nine tenths of the token's life"
	colToOpen      = "calls to open, or all"
	colBurst       = "most in 0.9 s after five"
	colFailedValid = "failed, first nine tenths of its life"
	colFailedLast  = "failed, last tenth of its life"
	colExpired     = "sent expired"
	colFail50      = "one after another: p50"
	colFail99      = "one after another: p99"
	colInterval    = "between the calls around the return"
	colLate        = "later than a probe interval"
	colFailedAfter = "failed after first success"
)

var views = []harness.View{
	{Title: "the token endpoint", Columns: []string{"token calls", "token calls per second", colToOpen, colBurst}},
	{Title: "requests", Columns: []string{colValid, colFailedValid, colFailedLast, colExpired}},
	{Title: "failing calls, at the end of the outage", Columns: []string{"p50", "p99", colFail50, colFail99, "longest of all"}},
	{Title: "after the return", Columns: []string{"served after", "last failure after", colFailedAfter, colInterval, colLate}},
}

// shortest is the shortest time between probes: BreakerDelay is a second,
// within a tenth.
const shortest = 900 * time.Millisecond

func (o *outage) cells(hasCircuit bool) []harness.Cell {
	o.mu.Lock()
	defer o.mu.Unlock()
	back := *o.back.Load()
	var dead []time.Time      // calls to the dead endpoint, but for those of the one caller
	var last, probe time.Time // the calls around the return, whoever made them
	for _, at := range o.calls {
		if !at.After(back) && at.After(last) {
			last = at
		}
		switch {
		case at.After(o.gone) && at.Before(o.rest):
			dead = append(dead, at)
		case at.After(back) && probe.IsZero():
			probe = at
		}
	}
	row := []harness.Cell{
		harness.N("token calls", int64(len(dead))),
		harness.Value("token calls per second", float64(len(dead))/o.rest.Sub(o.gone).Seconds(), ""),
	}
	switch opened := o.circuit.opened(); {
	case !hasCircuit:
		row = append(row, harness.Text(colToOpen, "no circuit"))
	case opened.IsZero(): // as it should be where Retry-After spares the server
		row = append(row, harness.N(colToOpen, int64(len(dead))))
	default:
		row = append(row, harness.N(colToOpen, int64(countBefore(dead, opened))))
	}
	row = append(row, harness.N(colBurst, int64(mostWithin(dead, 5, shortest))))
	row = append(row, o.callers(back)...)
	return append(row, o.again(last, probe, back)...)
}

// callers tells what became of the requests while the server was out.
func (o *outage) callers(back time.Time) []harness.Cell {
	// A token is used until a tenth of its life is left, 10 s at most.
	usable, expired := o.tokenAt.Add(lifetime*9/10), o.tokenAt.Add(lifetime)
	var valid, failedValid, failedLast, longest int64
	var late []time.Duration // of calls that failed in the last two seconds
	for _, s := range o.samples {
		end := s.at.Add(s.took)
		switch {
		case s.at.Before(usable):
			valid++
			if s.bad {
				failedValid++
			}
		case s.at.Before(expired) && s.bad:
			failedLast++
		}
		if s.bad && s.at.Before(back) {
			longest = max(longest, int64(s.took))
			if end.After(o.rest.Add(-2 * time.Second)) {
				late = append(late, s.took)
			}
		}
	}
	slices.Sort(late)
	return []harness.Cell{
		harness.N(colValid, valid), harness.N(colFailedValid, failedValid),
		harness.N(colFailedLast, failedLast),
		harness.N(colExpired, o.api.Verdicts[fake.Expired].Load()),
		micros("p50", late, 0.5), micros("p99", late, 0.99),
		harness.Ms("longest of all", time.Duration(longest)),
		micros(colFail50, o.alone, 0.5), micros(colFail99, o.alone, 0.99),
	}
}

// again tells how callers were served after the server's return.
func (o *outage) again(last, probe, back time.Time) []harness.Cell {
	var success, failure time.Time // the first, the last
	failed := int64(0)             // begun after the first success
	for _, s := range o.samples {
		if end := s.at.Add(s.took); !s.bad && s.at.Add(s.took).After(back) && s.at.After(o.rest) && (success.IsZero() || end.Before(success)) {
			success = end
		}
	}
	for _, s := range o.samples {
		if !s.bad || !s.at.After(o.rest) {
			continue
		}
		if end := s.at.Add(s.took); end.After(failure) {
			failure = end
		}
		if !success.IsZero() && s.at.After(success) {
			failed++
		}
	}
	if success.IsZero() {
		return []harness.Cell{harness.Text("served after", "not again")}
	}
	row := []harness.Cell{harness.Ms("served after", success.Sub(back)), harness.Ms("last failure after", max(0, failure.Sub(back)))}
	if !failure.After(back) {
		row[1].Num = 0
	}
	row = append(row, harness.N(colFailedAfter, failed))
	if !last.IsZero() && !probe.IsZero() {
		interval := probe.Sub(last)
		row = append(row, harness.Ms(colInterval, interval), harness.Ms(colLate, max(0, success.Sub(back)-interval)))
	}
	return row
}

func countBefore(calls []time.Time, end time.Time) int {
	n := 0
	for _, at := range calls {
		if !at.After(end) {
			n++
		}
	}
	return n
}

// mostWithin is the most calls, not counting the first few, that lie within d.
func mostWithin(calls []time.Time, skip int, d time.Duration) int {
	most := 0
	calls = slices.SortedFunc(slices.Values(calls), time.Time.Compare)
	calls = calls[min(skip, len(calls)):]
	for first, last := 0, 0; last < len(calls); last++ {
		for calls[last].Sub(calls[first]) >= d {
			first++
		}
		most = max(most, last-first+1)
	}
	return most
}

func micros(name string, sorted []time.Duration, q float64) harness.Cell {
	if len(sorted) == 0 {
		return harness.Text(name, "none")
	}
	return harness.Value(name, float64(harness.Quantile(sorted, q))/1e3, "µs")
}
