package main

import (
	"fmt"
	"io"
	"runtime"
	"time"
)

// writeReport writes a run's figures in Markdown.
func writeReport(w io.Writer, r results, found []string) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) }
	scheme := "plain HTTP"
	if r.tls {
		scheme = "TLS"
	}
	say("# Soak\n")
	say("%v at full speed: %d workers send `GET`s and `POST`s with bodies, over %s on loopback, as fast as they are", r.lasted.Round(time.Second), r.workers, scheme)
	say("answered, 5 ms after a failure; some with deadlines of a few milliseconds, two of them cancelling at random. Tokens live %v. Every %v", r.lifetime, r.every)
	say("something befalls the servers or the token; it is healed after %v to %v, or outlasts the token. The servers are a process of",
		r.part(r.least), r.part(r.most))
	say("their own: memory, goroutines and open files below are those of the client. To get the figures again:\n")
	say("```sh\ngo run ./internal/cmd/soak -out docs/soak.md\n```\n")
	say("This run: %s, %s/%s, %d cores, shared with the servers; `-for %v -every %v -seed %d -tls=%v`.\n", runtime.Version(), runtime.GOOS, runtime.GOARCH,
		runtime.NumCPU(), r.length, r.every, r.seed, r.tls)
	if len(found) == 0 {
		say("Everything was as predicted.\n")
	} else {
		say("**Not as predicted:**\n")
		for _, f := range found {
			say("- %s", f)
		}
		say("")
	}
	r.writeTotals(say)
	r.writeMinutes(say)
	r.writeFaults(say)
}

func (r results) part(p float64) time.Duration {
	return time.Duration(p * float64(r.every)).Round(10 * time.Millisecond)
}

func (r results) writeTotals(say func(string, ...any)) {
	low, high := r.callsPredicted()
	say("| | measured | predicted |\n|---|---|---|")
	say("| requests | %d, %.0f a second | |", r.tally.all(), float64(r.tally.all())/r.lasted.Seconds())
	say("| bodies that came to the API whole | %d | |", r.seen.Bodies-r.seen.Lost)
	say("| bodies lost or changed | %d | 0 |", r.seen.Lost)
	say("| tokens rejected by the API, each revoked, or at its end on its way | %d | |", r.seen.Rejected)
	say("| token calls | %d | %d to %d |", r.seen.TokenCalls, low, high)
	say("| tokens issued | %d | |", r.seen.Issued)
	say("| times the circuit opened | %d | %d at most |", r.opened, r.mayOpen())
	say("| tokens rejected for no reason | %d | 0 |", r.noReason)
	say("| requests failed while a valid token was there | %d | 0 |", r.needless)
	if n := len(r.samples); n > 2 {
		first, second, last := r.samples[0], r.samples[1], r.samples[n-1]
		say("| goroutines, from the first minute to the last | %d to %d | the same |", first.Goroutines, last.Goroutines)
		say("| open files, from the first minute to the last | %d to %d | the same |", first.OpenFiles, last.OpenFiles)
		say("| response bodies that were not closed | %d | 0 |", last.unclosed)
		say("| heap held, from the second minute to the last | %s to %s | %s more at most |", mib(second.HeapAlloc), mib(last.HeapAlloc), mib(r.heapGrowth))
		say("| resident memory, from the second minute to the last | %s to %s | %s more at most |", mib(second.RSS), mib(last.RSS), mib(r.rssGrowth))
		say("| the most resident memory | %s | |", mib(last.PeakRSS))
	}
	say("")
}

func (r results) writeMinutes(say func(string, ...any)) {
	say("## Minute by minute\n")
	say("A minute ends when all faults are healed; the workers pause, idle connections are closed and the garbage is")
	say("collected before memory, goroutines and files are read. Failed requests by reason: the API's 401 handed on since no")
	say("other token could be had, or since the request had been sent twice, with two tokens that were revoked together;")
	say("circuit open; the authorization server said no or had just done so; the token call got no answer; the API cut the")
	say("connection; and those whose own caller left.\n")
	say("| after | requests | a second | 401 | twice | circuit open | said no | no answer | API cut | left | token calls | predicted, at most | circuit opened | heap | RSS | goroutines | files |")
	say("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|")
	for _, s := range r.samples {
		t := s.tally
		say("| %v | %d | %.0f | %d | %d | %d | %d | %d | %d | %d | %d | %d | %d | %s | %s | %d | %d |",
			s.at.Round(time.Second), t.all(), float64(t.all())/s.lasted.Seconds(), t[rejected], t[twice], t[open], t[refused], t[broken], t[cut], t[left],
			s.calls, s.want, s.opened, mib(s.HeapAlloc), mib(s.RSS), s.Goroutines, s.OpenFiles)
	}
	say("")
}

func (r results) writeFaults(say func(string, ...any)) {
	say("## Fault by fault\n")
	say("Token calls from one fault to the next, as the authorization server counted them, and the most that follow from")
	say("[what the library promises](../README.md#what-happens-when): the sums are in [predict.go](../internal/cmd/soak/predict.go).\n")
	say("| fault | times | token calls | the most at one time | predicted, at most |\n|---|---|---|---|---|")
	for _, f := range r.faults {
		var times, calls, most, want int
		for _, w := range r.windows {
			if w.fault == f.name {
				times++
				calls += w.calls
				most, want = max(most, w.calls), max(want, w.want)
			}
		}
		say("| %s | %d | %d | %d | %d |", f.name, times, calls, most, want)
	}
}
