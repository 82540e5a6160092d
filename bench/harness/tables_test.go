package harness

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// runs are two runs of three peers, of which one did not do its job.
var scenario = Scenario{
	Title:   "tested",
	Compare: []string{"slowest"}, Job: []string{"failed"},
	Goals: []Goal{
		{Case: "authtrip/cold", Cell: "calls", AtMost: 1},
		{Case: "authtrip/cold", Cell: "slowest", BestPeer: true},
		{Case: "authtrip/cold", Cell: "got", Is: "200"},
		{Case: "authtrip/warm", Cell: "calls", AtMost: 1},
	},
}

func row(calls int64, slowest time.Duration, failed int64) Row {
	return Row{N("calls", calls), Ms("slowest", slowest), N("failed", failed), Text("got", "200")}
}

func summaries() []summary {
	const ms = time.Millisecond
	return []summary{
		summarize("authtrip/cold", []Row{row(1, 10*ms, 0), row(2, 30*ms, 0), row(1, 20*ms, 0)}),
		summarize("x-oauth2/cold", []Row{row(1, 40*ms, 0)}),
		summarize("azcore/cold", []Row{row(1, 1*ms, 0), row(1, 1*ms, 7)}),
		summarize("authtrip/warm", []Row{Error("killed")}),
	}
}

func TestEachVariantHasATableOfMediansAndRatios(t *testing.T) {
	tables := scenario.tables(summaries())
	if len(tables) != 2 || tables[0].Title != "cold" || tables[1].Title != "warm" {
		t.Fatalf("%+v", tables)
	}
	want := [][]string{
		{"peer", "calls", "slowest (ms)", "of best peer", "failed", "got"},
		{"authtrip", "1", "20 [10..30]", "0.50", "0", "200"}, // calls: 1 and 2 are near
		{"x-oauth2", "1", "40", "1.00", "0", "200"},
		{"azcore", "1", "1", "0.03", "3.5 [0..7]", "200"},
	}
	got := append([][]string{tables[0].Columns}, tables[0].Rows...)
	for i := range want {
		if i >= len(got) || !slices.Equal(got[i], want[i]) {
			t.Errorf("line %d is not %q: %q", i, want[i], got)
		}
	}
}

// A count that was wrong once was wrong; a time is that of the median. Who fails
// is quick at it, and no peer to compare with.
func TestGoalsAreJudged(t *testing.T) {
	tables := scenario.tables(summaries())
	got := append(tables[0].Goals, tables[1].Goals...)
	want := []string{
		"authtrip, calls: goal: ≤ 1: MISSED (2)",
		"authtrip, slowest: goal: ≤ 40 ms (best peer): met (20 ms)",
		`authtrip, got: goal: "200": met (200)`,
		"authtrip, calls: goal: every run is made: MISSED (killed)",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	alone := scenario.tables(summaries()[:1])[0].Goals[1]
	if want := "authtrip, slowest: goal: ≤ best peer: MISSED (no peer to compare with)"; alone != want {
		t.Errorf("without a peer: %q", alone)
	}
}

func TestTablesAreWrittenAsMarkdown(t *testing.T) {
	file := filepath.Join(t.TempDir(), "t.md")
	tables := []Table{{Title: "cold", Columns: []string{"peer", "got"}, Rows: [][]string{{"authtrip", "200 | 401"}}, Goals: []string{"a goal"}}}
	if err := Print("title", tables, file); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := "## title\n\n### cold\n\n| peer | got |\n|---|--:|\n| authtrip | 200 \\| 401 |\n\n- a goal\n\n"
	if string(got) != want {
		t.Errorf("got %q", got)
	}
}

func TestQuantiles(t *testing.T) {
	var l Latencies
	for i := range 1000 {
		l.Add(time.Duration(1000 - i))
	}
	if got, want := l.Quantiles(0.5, 0.999, 1), []time.Duration{501, 1000, 1000}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := (&Latencies{}).Quantiles(0.5); got[0] != 0 {
		t.Errorf("of none: %v", got)
	}
}

func TestFiguresHaveTheDigitsThatTheyAreWorth(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 12: "12", 123.4: "123", 1.26: "1.3", 0.0471: "0.047"} {
		if got := Figure(v); got != want {
			t.Errorf("%v is %q, want %q", v, got, want)
		}
	}
}

func TestCasesCrossPeersWithVariants(t *testing.T) {
	got := strings.Join(Cross("cold", "warm")([]string{"a", "b"}), " ")
	if got != "a/cold b/cold a/warm b/warm" {
		t.Errorf("got %q", got)
	}
}
