package faultmatrix

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"

	"github.com/authtrip/authtrip/internal/vitals"
)

// Document writes docs/faults.md from the results of all cells, in the order of
// [Settings.Cells]. What is not as the design says stands in it too.
func Document(out io.Writer, s Settings, results []Result) error {
	d := &document{settings: s, cells: map[string]Result{}}
	if len(results) != len(s.Cells()) {
		return fmt.Errorf("%d results of %d cells", len(results), len(s.Cells()))
	}
	for _, r := range results {
		d.cells[r.Cell.String()] = r
	}
	d.introduce(results)
	d.summarize()
	for _, a := range ages {
		d.table(a)
	}
	_, err := io.WriteString(out, d.String())
	return err
}

type document struct {
	strings.Builder
	settings Settings
	cells    map[string]Result
}

func (d *document) line(format string, a ...any) { fmt.Fprintf(d, format+"\n", a...) }

func (d *document) cell(f Fault, a Age, method string) Result {
	return d.cells[Cell{Fault: f, Age: a, Method: method}.String()]
}

func (d *document) introduce(results []Result) {
	s := d.settings
	requests, wrong := 0, []string{}
	for _, r := range results {
		requests += r.Work.Requests
		for _, w := range r.Check() {
			wrong = append(wrong, fmt.Sprintf("- %s: %s", r.Cell, w))
		}
	}
	d.line("# What authtrip survives\n")
	d.line("Each fault befalls the authorization server of a client, or the client itself, whose token is of each age. %d workers", s.Workers)
	d.line("send GETs, or POSTs with a body of some kilobytes, all at once and then every %v, for %v; where the fault gives", s.Think, s.Short)
	d.line("no answer for %v. The client is a process of its own, the servers are real ones on loopback, the token endpoint over TLS and", s.Long)
	d.line("with a name server. Tokens age, and clocks go wrong, by moving what the client reads of its clocks; a suspended server is")
	d.line("reached through a process that is suspended. A token call has %v here (`Policy.FetchTimeout`, default 10 s), the circuit is probed after %v and then every", s.FetchTimeout, s.BreakerDelay)
	d.line("%v (default 10 s), and `Retry-After` asks for %v.\n", s.BreakerMax, s.After)
	d.line("Made by `go run ./internal/cmd/faultmatrix -out docs/faults.md`, which compares every cell with what the design allows")
	d.line("and fails if one differs: %d cells, %d requests, %s, %s/%s, %d cores. A fast version of every cell is among the tests.\n",
		len(results), requests, runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	if len(wrong) > 0 {
		d.line("**Not as the design says:**\n\n%s\n", strings.Join(wrong, "\n"))
	} else {
		d.line("Every cell is as the design says.\n")
	}
}

// summarize says in one table who felt what, and what was lost.
func (d *document) summarize() {
	d.line("## Who feels it\n")
	d.line("Failed requests, of both methods. With a good token nobody feels anything. Without one nobody can be served until there is")
	d.line("one again: callers get an error in time, or the API's own 401 if their token was revoked. Lost are request bodies or")
	d.line("responses that were not whole or not closed, requests sent without a token, token calls that went to another host, and")
	d.line("secrets shown in an error or a hook.\n")
	d.line("| fault | cold | fresh | stale | expired | just revoked | lost |")
	d.line("|---|---|---|---|---|---|---|")
	for _, f := range faults(d.settings.After) {
		row, lost := "| "+f.Title+" |", 0
		for _, a := range ages {
			failed, requests := 0, 0
			for _, m := range methods {
				r := d.cell(f, a, m)
				failed, requests = failed+r.Work.Failed, requests+r.Work.Requests
				lost += r.Damaged + r.Bare + r.Strayed + r.BodiesOpen + len(r.leaks())
			}
			row += fmt.Sprintf(" %s |", share(failed, requests))
		}
		if lost == 0 {
			d.line("%s nothing |", row)
		} else {
			d.line("%s **%d** |", row, lost)
		}
	}
	d.line("")
}

func share(failed, of int) string {
	switch failed {
	case 0:
		return "0"
	case of:
		return "all"
	}
	return fmt.Sprintf("%d of %d", failed, of)
}

var explained = map[Age]string{
	Cold:    "There is no token yet.",
	Fresh:   "The token is in the first two thirds of its life.",
	Stale:   "The token is in the last third of its life: it is used, and renewed behind the requests.",
	Expired: "The token has come to its end.",
	Revoked: "The server ended the token, and the client does not know. While no other can be had the token is sent, and the API's 401 is what callers get.",
}

func (d *document) table(a Age) {
	d.line("## %s%s\n\n%s Figures are those of GET / POST.\n", strings.ToUpper(string(a[:1])), a[1:], explained[a])
	d.line("| fault | failed | of requests | sent with a bad token | that was known to be | token calls | longest wait | circuit opened, probes | served again after | goroutines | open files | heap, MiB | peak, MiB |")
	d.line("|---|---|---|---|---|---|---|---|---|---|---|---|---|")
	for _, f := range faults(d.settings.After) {
		get, post := d.cell(f, a, methods[0]), d.cell(f, a, methods[1])
		both := func(figure func(Result) string) string {
			g, p := figure(get), figure(post)
			if g == p {
				return g
			}
			return g + " / " + p
		}
		d.line("| %s | %s", f.Title, strings.Join([]string{
			both(func(r Result) string { return share(r.Work.Failed, r.Work.Requests) }),
			both(func(r Result) string { return fmt.Sprint(r.Work.Requests) }),
			both(func(r Result) string { return fmt.Sprint(r.Rejected) }),
			both(func(r Result) string { return fmt.Sprint(r.Told) }),
			both(func(r Result) string { return fmt.Sprint(r.Work.Attempts) }),
			both(func(r Result) string { return short(r.Work.Longest) }),
			both(func(r Result) string { return fmt.Sprintf("%d, %d", r.Work.Opened, r.Work.Probes) }),
			both(func(r Result) string { return short(r.Recovered) }),
			both(func(r Result) string { return fmt.Sprintf("%d → %d", r.Before.Goroutines, r.After.Goroutines) }),
			both(func(r Result) string { return files(r.Before) + " → " + files(r.After) }),
			both(func(r Result) string {
				return fmt.Sprintf("%.1f → %.1f", mib(r.Before.HeapAlloc), mib(r.After.HeapAlloc))
			}),
			both(func(r Result) string { return fmt.Sprintf("%.0f", mib(r.After.PeakRSS)) }),
		}, " | ")+" |")
	}
	d.line("")
}

func short(d time.Duration) string {
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(10 * time.Millisecond).String()
}

func files(v vitals.Vitals) string {
	if v.OpenFiles < 0 {
		return "not measured"
	}
	return fmt.Sprint(v.OpenFiles)
}

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }
