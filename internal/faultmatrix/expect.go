package faultmatrix

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/authtrip/authtrip/internal/leak"
	"github.com/authtrip/authtrip/internal/vitals"
)

const (
	// heapGrowth is how much more the heap may hold afterwards: what the matrix
	// itself notes, and what net/http and crypto/tls keep for ever.
	heapGrowth = 2 << 20
	// peakGrowth is how much more the process may ever have held: 200 workers'
	// buffers and the garbage between two collections, and no reply of 1 GiB.
	peakGrowth = 48 << 20
)

// tokenGood says that the callers' requests have a good token whatever the
// authorization server does.
func (c Cell) tokenGood() bool { return c.Age == Fresh || c.Age == Stale }

// served says that all requests succeed.
func (c Cell) served() bool { return c.tokenGood() || c.Fault.Says == works }

// Check compares what happened with what the design allows, and returns what
// differs.
func (r Result) Check() (wrong []string) {
	want := func(ok bool, format string, a ...any) {
		if !ok {
			wrong = append(wrong, fmt.Sprintf(format, a...))
		}
	}
	w := r.Work
	want(w.Requests >= r.Workers, "%d requests of %d workers", w.Requests, r.Workers)

	// Nothing is lost, and nothing goes where it should not.
	want(r.Damaged == 0, "%d bodies were not whole", r.Damaged)
	want(r.Bare == 0, "%d requests had no token", r.Bare)
	want(r.Strayed == 0, "%d token calls went to another host", r.Strayed)
	want(r.BodiesOpen == 0, "%d bodies of requests were not closed", r.BodiesOpen)
	want(len(r.leaks()) == 0, "secrets were shown: %s", strings.Join(r.leaks(), "; "))
	want(r.Dropped == 0, "%d texts were not searched for secrets", r.Dropped)
	want(r.Fault.Shows == "" || r.served() || r.Age == Revoked || r.says(r.Fault.Shows), "no error says %q", r.Fault.Shows)

	// A good token serves; without one nothing is sent, but for the rejected
	// one, whose rejection is the server's to say.
	switch {
	case r.Fault.SuspendClient:
		// It may be suspended between a rejection and its replay, whose token
		// ends meanwhile: no request is sent a third time.
		want(w.Failed == w.Kinds["401"] && w.Failed <= r.Workers, "%d requests failed: %v", w.Failed, w.Kinds)
	case r.served():
		want(w.Failed == 0, "%d requests failed: %v", w.Failed, w.Kinds)
	default:
		want(w.Failed == w.Requests, "%d of %d requests failed: there is no good token", w.Failed, w.Requests)
	}
	want(r.Served == w.Requests-w.Failed, "the API served %d requests, and %d of %d did not fail: some came twice", r.Served, w.Requests-w.Failed, w.Requests)
	least, most := r.rejections()
	want(r.Rejected >= least && r.Rejected <= most, "%d requests had a bad token, want %d to %d", r.Rejected, least, most)

	least, most = r.attempts()
	want(w.Attempts >= least && w.Attempts <= most, "%d token calls, want %d to %d", w.Attempts, least, most)
	want(r.Calls <= w.Attempts, "%d token calls arrived of %d: some were repeated below", r.Calls, w.Attempts)
	want(w.LongestOpen <= r.Slack/2, "a request waited %v for an open circuit", w.LongestOpen)
	want(r.Then.Failed == 0, "%d of %d requests failed after the fault: %v", r.Then.Failed, r.Then.Requests, r.Then.Kinds)
	if r.Fault.Says == works {
		least, most = min(1, w.Attempts), w.Attempts // one may be cut short by a suspension, or a slow machine
		if r.Settings.Attempts == 1 && !r.Fault.SuspendClient {
			least = w.Attempts
		}
		want(r.Issued >= least && r.Issued <= most, "%d tokens of %d calls", r.Issued, w.Attempts)
	} else {
		want(r.Issued == 0, "%d tokens from a server that does not work", r.Issued)
	}

	if longest := r.longest(); w.Longest > longest {
		want(false, "a request took %v, want %v at most", w.Longest, longest)
	}
	r.checkCircuit(want)
	if back := r.back(); r.Recovered > back {
		want(false, "requests succeeded %v after the fault, want %v at most", r.Recovered, back)
	}

	// Nothing is held afterwards.
	for when, v := range map[string]vitals.Vitals{"idle": r.Idle, "closed": r.After} {
		want(v.Goroutines <= r.Before.Goroutines, "%s, it has %d goroutines, %d before", when, v.Goroutines, r.Before.Goroutines)
		want(v.OpenFiles <= r.Before.OpenFiles, "%s, it has %d open files, %d before", when, v.OpenFiles, r.Before.OpenFiles)
	}
	want(r.After.HeapAlloc-r.Before.HeapAlloc <= heapGrowth, "the heap grew by %d bytes", r.After.HeapAlloc-r.Before.HeapAlloc)
	peak := int64(peakGrowth)
	if raceDetector {
		peak *= 8
	}
	want(r.After.PeakRSS-r.Before.RSS <= peak, "the process grew by %d bytes", r.After.PeakRSS-r.Before.RSS)
	return wrong
}

func (r Result) leaks() []string { return leak.Find(r.Said, r.Secrets) }

// rejections is how many requests may be sent with a bad token.
func (r Result) rejections() (least, most int) {
	switch {
	case r.Fault.SuspendClient && r.Age == Revoked:
		return 0, 2 * r.Workers // what was on its way then, and when it was suspended
	case r.Fault.SuspendClient:
		return 0, r.Workers
	case r.Age != Revoked:
		return 0, 0
	case r.Fault.Wall > 0: // the token looks expired
		return 0, r.Workers
	case r.Fault.Says == works:
		return 1, r.Workers // what was on its way before the new one came
	}
	return r.Work.Requests, r.Work.Requests // once each
}

// attempts is how many token calls may be made.
func (r Result) attempts() (least, most int) {
	took := r.Work.Took
	remembered := int(math.Log2(took.Seconds()+1)) + 1 // after 1 s, 2 s, 4 s, …
	if after := r.Fault.After; after > 0 {
		if r.Fault.Date { // which says whole seconds
			after -= time.Second
		}
		remembered = int(took/after) + 1
	}
	switch {
	case r.Fault.SuspendClient:
		return 1, 1 + int(took/(r.lifetime()*3/5)) // tokens end meanwhile
	case r.Fault.Says == works && r.Age == Fresh && r.Fault.Wall <= 0, r.Fault.Says != works && r.Age == Fresh:
		return 0, 0
	case r.Fault.Says == works:
		return 1, r.Settings.Attempts
	}
	least, most = 1, remembered
	if r.Fault.Says == fails {
		most = r.Work.Probes + 5
	}
	if r.Age == Stale && r.lasts() >= 8*time.Second {
		least = 2 // a renewal that failed is tried again
		if r.Fault.Says == fails && !r.Fault.Slow {
			least = 4 // and each has three attempts
		}
	}
	return least, most
}

// checkCircuit: five failures in a row open it, and then there is one probe in
// each interval.
func (r Result) checkCircuit(want func(bool, string, ...any)) {
	w := r.Work
	if r.Fault.Says == fails {
		want(w.Opened == 0 || w.Attempts >= 4, "the circuit opened after %d calls", w.Attempts) // one may have had no time to begin
		// A renewal's fifth call may still be under way: nobody waits for it.
		want(w.Opened > 0 || w.Attempts < 5 || w.Attempts == 5 && r.tokenGood(), "the circuit is closed after %d failed calls", w.Attempts)
	} else {
		want(w.Opened == 0, "the circuit opened %d times", w.Opened)
	}
	want(w.Closed == 0, "the circuit closed %d times while the server did not work", w.Closed)
	most, left := 0, w.Took
	for delay := r.BreakerDelay; left > 0; delay = min(2*delay, r.BreakerMax) {
		left -= delay * 9 / 10
		most++
	}
	want(w.Probes <= most, "%d probes, want %d at most", w.Probes, most)
	want(w.Opened-w.Probes <= 1, "opened %d times with %d probes", w.Opened, w.Probes)
}

// longest is how long a request may take: no time to speak of where there is a
// good token or an answer, the waits between attempts where there is none, and
// all of a token call's time where there is nothing.
func (c Cell) longest() time.Duration {
	switch {
	case c.Fault.SuspendClient:
		return c.lifetime() + c.Slack
	case c.Fault.Slow && !c.served():
		return c.FetchTimeout + c.Slack
	}
	return c.Slack
}

// says reports whether an error says text.
func (r Result) says(text string) bool {
	return slices.ContainsFunc(r.Said, func(said string) bool { return strings.Contains(said, text) })
}

// back is how long after the fault's end requests may go on failing.
func (r Result) back() time.Duration {
	switch {
	case r.served():
		return r.Slack
	case r.Fault.Says == fails:
		return r.BreakerMax*11/10 + r.Slack
	case r.Fault.Says == waits:
		return r.Fault.After + r.Slack
	}
	return max(time.Second+r.Work.Took, r.Fault.After) + r.Slack // the last pause is as long as all before it, and a second
}
