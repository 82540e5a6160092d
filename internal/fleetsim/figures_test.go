package fleetsim

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

var write = flag.Bool("write", false, "measure, for some minutes, and write the tables of docs/fleet.md")

const document = "../../docs/fleet.md"

// The document has a row of everything that may befall a fleet. With -write they
// are measured, and written.
func TestFigures(t *testing.T) {
	tables := map[string]func(*testing.T) string{"figures": whatBefalls, "patience": howLongACall, "saturation": howBusyAStore}
	measured := map[string]string{}
	switch {
	case *write && raceEnabled:
		t.Fatal("with -race this takes too long")
	case *write:
		for mark, measure := range tables {
			measured[mark] = measure(t)
		}
	}
	was, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	text := string(was)
	for mark, table := range measured {
		text = between(t, text, mark, table)
	}
	for _, s := range scenarios {
		for _, row := range s.rows {
			if !strings.Contains(text, "| "+row+" |") {
				t.Errorf("%s has no row %q: run this test with -write", document, row)
			}
		}
	}
	if *write {
		if err := os.WriteFile(document, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

const rounds, processes = 5, 1000

func whatBefalls(t *testing.T) string {
	table := []string{
		"| what befalls the fleet | token calls | tokens in use then | Store operations | of one process | in one second | requests | failed | longest request |",
		"|---|--:|--:|--:|--:|--:|--:|--:|--:|",
	}
	for _, s := range scenarios {
		runs := make([][]figures, len(s.rows))
		for range rounds {
			for i, f := range s.run(t, usual(processes), plan{lifetimes: 3, calm: time.Minute, busy: time.Second}) {
				runs[i] = append(runs[i], f)
			}
		}
		for i, row := range s.rows {
			table = append(table, "| "+row+" | "+strings.Join(cells(runs[i]), " | ")+" |")
		}
	}
	return strings.Join(table, "\n")
}

// coldStarts are the figures of some runs in a world.
func coldStarts(t *testing.T, w world) (runs []figures) {
	for range rounds {
		runs = append(runs, coldStart(t, w, plan{})...)
	}
	return runs
}

func howLongACall(t *testing.T) string {
	table := []string{
		"| a token call takes | token calls | Store operations | of one process | in one second | failed | longest request |",
		"|--:|--:|--:|--:|--:|--:|--:|",
	}
	for _, call := range []time.Duration{50, 500, 3000} {
		w := usual(processes)
		w.call = call * time.Millisecond
		c := cells(coldStarts(t, w))
		table = append(table, fmt.Sprintf("| %d ms | %s | %s | %s | %s | %s | %s |", call, c[0], c[2], c[3], c[4], c[6], c[7]))
	}
	return strings.Join(table, "\n")
}

func howBusyAStore(t *testing.T) string {
	table := []string{
		"| the Store does in a second | processes for each of these | token calls | Store operations of one process | failed | longest request |",
		"|--:|--:|--:|--:|--:|--:|",
	}
	for _, perSecond := range []int{50_000, 2000, 1100, 900, 500} {
		w := usual(processes)
		w.busy = time.Second / time.Duration(perSecond)
		c := cells(coldStarts(t, w))
		table = append(table, fmt.Sprintf("| %d | %.2f | %s | %s | %s | %s |", perSecond, float64(processes)/float64(perSecond), c[0], c[3], c[6], c[7]))
	}
	return strings.Join(table, "\n")
}

// cells are the columns of some runs of one row.
func cells(runs []figures) []string {
	number := func(of func(figures) int) string {
		return medianAndWorst(runs, of, func(n int) string { return fmt.Sprint(n) })
	}
	tokens := ""
	if runs[0].tokens > 0 {
		tokens = number(func(f figures) int { return f.tokens })
	}
	return []string{
		number(func(f figures) int { return f.calls }),
		tokens,
		number(func(f figures) int { return f.store.total() }),
		number(func(f figures) int { return f.most }),
		number(func(f figures) int { return f.peak }),
		number(func(f figures) int { return f.requests }),
		number(func(f figures) int { return f.failed }),
		medianAndWorst(runs, func(f figures) time.Duration { return f.longest }, func(d time.Duration) string {
			return fmt.Sprintf("%d ms", d.Round(time.Millisecond).Milliseconds())
		}),
	}
}

func medianAndWorst[T cmp.Ordered](runs []figures, of func(figures) T, text func(T) string) string {
	var all []T
	for _, f := range runs {
		all = append(all, of(f))
	}
	slices.Sort(all)
	median, worst := text(all[len(all)/2]), text(all[len(all)-1])
	if median == worst {
		return median
	}
	return median + " (" + worst + ")"
}

// between puts a table where the document has its mark.
func between(t *testing.T, text, mark, table string) string {
	t.Helper()
	before, rest, ok := strings.Cut(text, "<!-- "+mark+" -->\n")
	_, after, ok2 := strings.Cut(rest, "<!-- end -->")
	if !ok || !ok2 {
		t.Fatalf("%s has no place for %s", document, mark)
	}
	return before + "<!-- " + mark + " -->\n" + table + "\n<!-- end -->" + after
}
