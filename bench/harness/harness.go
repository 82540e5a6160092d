// Package harness runs each measurement in a process of its own, gathers the
// results of several runs and prints their medians.
package harness

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/authtrip/authtrip/bench/peer"
)

// Scenario is what one program measures. Its cases are a peer each, or, as
// "peer/variant", a peer under one of several circumstances, and Run measures
// one.
type Scenario struct {
	Title string
	Cases func(peers []string) []string // nil: one for each peer
	Run   func(name string) Row
	// Timeout ends a child that never returns. Zero is two minutes.
	Timeout time.Duration
	// Compare names columns that are shown as a ratio to the best peer too:
	// the best of the other libraries for which the columns in Job, which
	// count what went wrong, were 0 in every run.
	Compare, Job []string
	// Goals are judged below the tables, for the cases that were run.
	Goals []Goal
}

// Main runs s: in the parent, every case several times; in a child, one case
// once.
func Main(s Scenario, defaultPeers []string) {
	child := flag.String("child", "", "run this case only and print JSON (internal)")
	peers := flag.String("peers", strings.Join(defaultPeers, ","), "comma-separated `peers`")
	runs := flag.Int("runs", 3, "runs per case")
	only := flag.String("only", "", "run only cases that hold this `text`")
	markdown := flag.String("md", "", "write the tables to this `file` as Markdown too")
	flag.Parse()
	var err error
	if *child != "" {
		err = json.NewEncoder(os.Stdout).Encode(s.Run(*child))
	} else {
		err = s.measure(strings.Split(*peers, ","), *only, *runs, *markdown)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func (s Scenario) measure(peers []string, only string, runs int, markdown string) error {
	for _, name := range peers {
		if _, err := peer.ByName(name); err != nil {
			return err
		}
	}
	if runs < 1 {
		return errors.New("-runs must be 1 at least")
	}
	cases := peers
	if s.Cases != nil {
		cases = s.Cases(peers)
	}
	got := map[string][]Row{}
	var kept []string
	for run := range runs { // of all cases in turn, so that drift of the machine falls on all alike
		for _, c := range cases {
			if !strings.Contains(c, only) {
				continue
			}
			if run == 0 {
				kept = append(kept, c)
			}
			fmt.Fprintf(os.Stderr, "run %d of %d: %s\n", run+1, runs, c)
			got[c] = append(got[c], s.child(c, run))
		}
	}
	var all []summary
	for _, c := range kept {
		all = append(all, summarize(c, got[c]))
	}
	title := fmt.Sprintf("%s; medians of %d runs, each in its own process", s.Title, runs)
	if runs == 1 {
		title = s.Title + "; one run, in its own process"
	}
	return Print(title, s.tables(all), markdown)
}

// Print prints tables under a title, and writes them as Markdown to the file of
// that name unless it is empty.
func Print(title string, tables []Table, markdown string) error {
	var md strings.Builder
	fmt.Println(title)
	fmt.Fprintf(&md, "## %s\n\n", title)
	for _, t := range tables {
		fmt.Println()
		if err := t.Text(os.Stdout); err != nil {
			return err
		}
		if err := t.Markdown(&md, 3); err != nil {
			return err
		}
	}
	if markdown == "" {
		return nil
	}
	return os.WriteFile(markdown, []byte(md.String()), 0o644)
}

// runVariable tells a child the number of its run.
const runVariable = "AUTHTRIP_BENCH_RUN"

// Run is the number of the run that a child is, from 0: a seed that is the same
// for every peer and another in every run.
func Run() uint64 {
	n, _ := strconv.ParseUint(os.Getenv(runVariable), 10, 64)
	return n
}

// child runs one case in a process of its own.
func (s Scenario) child(name string, run int) Row {
	limit := s.Timeout
	if limit == 0 {
		limit = 2 * time.Minute
	}
	cmd := exec.Command(os.Args[0], "-child", name)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", runVariable, run))
	cmd.Stderr = os.Stderr
	var out strings.Builder
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		return Error(err.Error())
	}
	timer := time.AfterFunc(limit, func() { _ = cmd.Process.Kill() })
	err := cmd.Wait()
	timer.Stop()
	if err != nil {
		return Error(err.Error())
	}
	var r Row
	if err := json.Unmarshal([]byte(out.String()), &r); err != nil {
		return Error(err.Error())
	}
	return r
}

// Cross makes "peer/variant" cases.
func Cross(variants ...string) func([]string) []string {
	return func(peers []string) []string {
		var out []string
		for _, v := range variants {
			for _, p := range peers {
				out = append(out, p+"/"+v)
			}
		}
		return out
	}
}
