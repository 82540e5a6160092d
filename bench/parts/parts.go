// Package parts is for programs that print several tables: it runs each case
// in a process of its own, gathers the results of several runs, prints their
// medians as Markdown, and says which goals were met.
package parts

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/authtrip/authtrip/bench/harness"
)

// Program is one command's worth of tables.
type Program struct {
	Title string
	Peers []string // the default of -peers
	Parts []Part
	Goals []Goal
	// Limit ends a process that never returns; 0 is two minutes.
	Limit time.Duration
	// After, if set, is given the medians once all tables are printed.
	After func(Results) error
}

// Part is one table, or several of the same rows. A case may yield several
// rows, measured in one process; the first cell of each is its name.
type Part struct {
	Name  string
	Title string
	Cases func(peers []string) []string
	Run   func(name string) ([]harness.Row, error)
	// Tables, if set, says which columns stand in which table; none is one
	// table of all.
	Tables []Table
}

// Table is some columns of a Part.
type Table struct {
	Title   string
	Columns []string
}

// Results are the medians by part, in the order of the cases.
type Results map[string][]harness.Row

// Cell returns a figure, and whether there is one.
func (r Results) Cell(part, row, column string) (float64, bool) {
	for _, cells := range r[part] {
		if cells[0].Text != row {
			continue
		}
		for _, c := range cells {
			if c.Name == column && c.IsN {
				return c.Num, true
			}
		}
	}
	return 0, false
}

// Main runs p and ends the process if it fails. The flags are those of
// harness.Main, and whatever the program has defined before.
func Main(p Program) {
	child := flag.String("child", "", "run this case only and print JSON (internal)")
	peers := flag.String("peers", strings.Join(p.Peers, ","), "comma-separated peers")
	runs := flag.Int("runs", 3, "runs per case")
	only := flag.String("only", "", "run only cases that hold this text")
	markdown := flag.String("md", "", "write the tables to this `file` too")
	flag.Parse()
	var err error
	if *child != "" {
		err = p.child(*child)
	} else {
		err = p.parent(strings.Split(*peers, ","), max(1, *runs), *only, *markdown)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func (p Program) child(name string) error {
	part, name, _ := strings.Cut(name, "/")
	for _, q := range p.Parts {
		if q.Name != part {
			continue
		}
		rows, err := q.Run(name)
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(rows)
	}
	return fmt.Errorf("no part named %q", part)
}

func (p Program) parent(peers []string, runs int, only, markdown string) error {
	got := Results{}
	for run := range runs { // of all cases in turn, so that drift of the machine falls on all alike
		for _, part := range p.Parts {
			for _, c := range part.Cases(peers) {
				name := part.Name + "/" + c
				if !strings.Contains(name, only) {
					continue
				}
				fmt.Fprintf(os.Stderr, "run %d of %d: %s\n", run+1, runs, name)
				rows, err := p.runChild(name)
				if err != nil {
					rows = []harness.Row{{harness.Text("", c), harness.Text("error", err.Error())}}
				}
				got[part.Name] = append(got[part.Name], rows...)
			}
		}
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%s; medians of %d runs, each in its own process\n", p.Title, runs)
	for _, part := range p.Parts {
		if rows := got[part.Name]; len(rows) > 0 {
			got[part.Name] = medians(rows)
			part.print(&out, got[part.Name])
		}
	}
	printGoals(&out, p.Goals, got)
	fmt.Print(out.String())
	if markdown != "" {
		if err := os.WriteFile(markdown, []byte(out.String()), 0o644); err != nil {
			return err
		}
	}
	if p.After != nil {
		return p.After(got)
	}
	return nil
}

func (p Program) runChild(name string) ([]harness.Row, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	args := []string{"-child", name}
	flag.Visit(func(f *flag.Flag) { // the program's own flags are for its children too
		switch f.Name {
		case "peers", "runs", "only", "md":
		default:
			args = append(args, "-"+f.Name+"="+f.Value.String())
		}
	})
	limit := p.Limit
	if limit == 0 {
		limit = 2 * time.Minute
	}
	cmd := exec.Command(self, args...)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	timer := time.AfterFunc(limit, func() { _ = cmd.Process.Kill() })
	err = cmd.Wait()
	timer.Stop()
	if err != nil {
		return nil, err
	}
	var rows []harness.Row
	err = json.Unmarshal([]byte(out.String()), &rows)
	return rows, err
}
