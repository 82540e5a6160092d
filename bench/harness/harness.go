// Package harness runs each measurement in a process of its own, gathers the
// results of several runs and prints their medians.
package harness

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/authtrip/authtrip/bench/peer"
)

// Scenario is one thing that a program measures. Its cases are a peer each, or,
// as "peer/variant", a peer under one of several circumstances, and Run measures
// one.
type Scenario struct {
	// Name comes before the names of the cases, "name/peer", in a program that
	// has several scenarios.
	Name  string
	Title string
	Cases func(peers []string) []string // nil: one for each peer
	Run   func(name string) ([]Row, error)
	// Timeout ends a child that never returns. Zero is two minutes.
	Timeout time.Duration
	// Lines says what the lines of a table are. Empty is "peer".
	Lines string
	// Views divide the columns into tables, each with all variants in it. Nil
	// is a table of all columns for each variant.
	Views []View
	// Compare names columns that are shown as a ratio to the best peer too:
	// the best of the other libraries for which the columns in Job, which
	// count what went wrong, were 0 in every run.
	Compare, Job []string
	// Goals are judged below the tables, for the rows that there are.
	Goals []Goal
}

// View is some of a Scenario's columns.
type View struct {
	Title   string
	Columns []string
}

// Main runs the scenarios of a program and prints their tables. It returns the
// medians of the scenarios, those of one that was left out by -only being empty,
// and ends the process if it fails: in the parent it runs every case several
// times, in a child, which it ends too, one case once.
func Main(defaultPeers []string, scenarios ...Scenario) [][]Row {
	child := flag.String("child", "", "run this case only and print JSON (internal)")
	names := flag.String("peers", strings.Join(defaultPeers, ","), "comma-separated `peers`")
	runs := flag.Int("runs", 3, "runs per case")
	only := flag.String("only", "", "run only cases that hold this `text`")
	markdown := flag.String("md", "", "write the tables to this `file` as Markdown too")
	flag.Parse()
	if *child != "" {
		if err := json.NewEncoder(os.Stdout).Encode(runCase(scenarios, *child)); err != nil {
			Exit(err)
		}
		os.Exit(0)
	}
	peers := strings.Split(*names, ",")
	for _, name := range peers {
		if _, err := peer.ByName(name); err != nil && !slices.Contains(defaultPeers, name) {
			Exit(err)
		}
	}
	if *runs < 1 {
		Exit(errors.New("-runs must be 1 at least"))
	}
	var sections []Section
	var medians [][]Row
	for i, all := range measure(scenarios, peers, *only, *runs) {
		s := scenarios[i]
		if len(all) > 0 {
			sections = append(sections, Section{s.title(*runs), s.tables(all)})
		}
		var rows []Row
		for _, sum := range all {
			rows = append(rows, sum.row())
		}
		medians = append(medians, rows)
	}
	if len(sections) == 0 {
		Exit(fmt.Errorf("no case holds %q; leave out -only to see what there is", *only))
	}
	if err := Print(sections, *markdown); err != nil {
		Exit(err)
	}
	return medians
}

// Exit ends a program that failed.
func Exit(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func (s Scenario) title(runs int) string {
	if runs == 1 {
		return s.Title + "; one run, in its own process"
	}
	return fmt.Sprintf("%s; medians of %d runs, each in its own process", s.Title, runs)
}

// measure returns what each scenario's rows yielded in all runs.
func measure(scenarios []Scenario, peers []string, only string, runs int) [][]summary {
	got := make([][]Row, len(scenarios))
	for run := range runs { // of all cases in turn, so that drift of the machine falls on all alike
		for i, s := range scenarios {
			cases := peers
			if s.Cases != nil {
				cases = s.Cases(peers)
			}
			for _, c := range cases {
				name := s.prefix() + c
				if !strings.Contains(name, only) {
					continue
				}
				fmt.Fprintf(os.Stderr, "run %d of %d: %s\n", run+1, runs, name)
				rows, err := s.child(name, run)
				if err != nil {
					rows = failed(err)
				}
				got[i] = append(got[i], named(rows, c)...)
			}
		}
	}
	all := make([][]summary, len(scenarios))
	for i, rows := range got {
		all[i] = summarize(rows)
	}
	return all
}

// named gives the rows that have no name that of the case.
func named(rows []Row, name string) []Row {
	for i := range rows {
		if rows[i].Name == "" {
			rows[i].Name = name
		}
	}
	return rows
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
