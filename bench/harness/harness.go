// Package harness runs each measurement in a process of its own, gathers the
// results of several runs and prints their medians.
package harness

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/authtrip/authtrip/bench/peer"
)

// Cell is one figure or one word of a row.
type Cell struct {
	Name string
	Num  float64
	Text string
	Unit string // "ms", "MB", "/s" or empty
	IsN  bool
}

// Row is what one run of one case yields.
type Row []Cell

// N, Ms, MB, Rate and Text make cells.
func N(name string, v int64) Cell { return Cell{Name: name, Num: float64(v), IsN: true} }
func Ms(name string, d time.Duration) Cell {
	return Cell{Name: name, Num: float64(d) / 1e6, Unit: "ms", IsN: true}
}
func MB(name string, b float64) Cell {
	return Cell{Name: name, Num: b / (1 << 20), Unit: "MB", IsN: true}
}
func Rate(name string, v float64) Cell { return Cell{Name: name, Num: v, Unit: "/s", IsN: true} }
func Text(name, v string) Cell         { return Cell{Name: name, Text: v} }

// Scenario is one program's worth of cases. Cases are strings such as
// "x-oauth2" or "x-oauth2/hang"; Run measures one.
type Scenario struct {
	Title string
	Cases func(peers []string) []string
	Run   func(name string) Row
	// Timeout ends a child that never returns.
	Timeout time.Duration
}

// Main runs s: in the parent, every case several times; in a child, one case.
func Main(s Scenario, defaultPeers []string) {
	child := flag.String("child", "", "run this case only and print JSON (internal)")
	peers := flag.String("peers", strings.Join(defaultPeers, ","), "comma-separated peers")
	runs := flag.Int("runs", 3, "runs per case")
	only := flag.String("only", "", "run only cases that hold this text")
	flag.Parse()
	if *child != "" {
		out, err := json.Marshal(s.Run(*child))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(string(out))
		return
	}
	if s.Timeout == 0 {
		s.Timeout = 2 * time.Minute
	}
	names := strings.Split(*peers, ",")
	for _, n := range names {
		if _, err := peer.ByName(n); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
	}
	cases := names
	if s.Cases != nil {
		cases = s.Cases(names)
	}
	fmt.Printf("%s; medians of %d runs, each in its own process\n", s.Title, *runs)
	var rows []Row
	var kept []string
	for _, c := range cases {
		if !strings.Contains(c, *only) {
			continue
		}
		var got []Row
		for range *runs {
			got = append(got, runChild(c, s.Timeout))
		}
		rows = append(rows, median(got))
		kept = append(kept, c)
		fmt.Fprintf(os.Stderr, "done %s\n", c)
	}
	print(kept, rows)
}

func runChild(name string, limit time.Duration) Row {
	cmd := exec.Command(os.Args[0], "-child", name)
	cmd.Stderr = os.Stderr
	var out strings.Builder
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		return Row{Text("error", err.Error())}
	}
	timer := time.AfterFunc(limit, func() { cmd.Process.Kill() })
	err := cmd.Wait()
	timer.Stop()
	if err != nil {
		return Row{Text("error", err.Error())}
	}
	var r Row
	if err := json.Unmarshal([]byte(out.String()), &r); err != nil {
		return Row{Text("error", err.Error())}
	}
	return r
}

func median(rows []Row) Row {
	base := rows[0]
	out := make(Row, 0, len(base))
	for _, c := range base {
		var nums []float64
		var texts []string
		for _, r := range rows {
			for _, o := range r {
				if o.Name != c.Name {
					continue
				}
				if o.IsN {
					nums = append(nums, o.Num)
				} else if !slices.Contains(texts, o.Text) {
					texts = append(texts, o.Text)
				}
			}
		}
		if c.IsN && len(nums) > 0 {
			slices.Sort(nums)
			c.Num = nums[len(nums)/2]
			if lo, hi := nums[0], nums[len(nums)-1]; hi > 1.5*lo+1 {
				c.Text = fmt.Sprintf(" [%s..%s]", num(lo), num(hi))
			}
		} else {
			c.Text = strings.Join(texts, " | ")
		}
		out = append(out, c)
	}
	return out
}

func num(v float64) string {
	switch {
	case v == float64(int64(v)) && v < 1e9:
		return strconv.FormatInt(int64(v), 10)
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 1:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 3, 64)
}

func print(cases []string, rows []Row) {
	var cols []Cell
	for _, r := range rows {
		for _, c := range r {
			if !slices.ContainsFunc(cols, func(o Cell) bool { return o.Name == c.Name }) {
				cols = append(cols, c)
			}
		}
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprint(w, "case")
	for _, c := range cols {
		fmt.Fprint(w, "\t", c.Name)
		if c.Unit != "" {
			fmt.Fprintf(w, " (%s)", c.Unit)
		}
	}
	fmt.Fprintln(w)
	for i, r := range rows {
		fmt.Fprint(w, cases[i])
		for _, col := range cols {
			fmt.Fprint(w, "\t")
			for _, c := range r {
				if c.Name != col.Name {
					continue
				}
				if c.IsN {
					fmt.Fprint(w, num(c.Num))
				}
				fmt.Fprint(w, c.Text)
			}
		}
		fmt.Fprintln(w)
	}
	w.Flush()
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
