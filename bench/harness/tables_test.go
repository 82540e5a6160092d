package harness

import (
	"errors"
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

func row(name string, calls int64, slowest time.Duration, failed int64) Row {
	return Row{name, []Cell{N("calls", calls), Ms("slowest", slowest), N("failed", failed), Text("got", "200")}}
}

func summaries() []summary {
	const ms = time.Millisecond
	rows := []Row{
		row("authtrip/cold", 1, 10*ms, 0), row("x-oauth2/cold", 1, 40*ms, 0), row("azcore/cold", 1, 1*ms, 0),
		row("authtrip/cold", 2, 30*ms, 0), row("azcore/cold", 1, 1*ms, 7),
		row("authtrip/cold", 1, 20*ms, 0),
	}
	return summarize(append(rows, named(failed(errors.New("killed")), "authtrip/warm")...))
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
		{"azcore", "1", "1", "0.03", "3.50 [0..7]", "200"},
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

// A program whose cases have many figures shows them in several tables, each
// with the goals of its own columns.
func TestViewsDivideTheColumns(t *testing.T) {
	s := scenario
	s.Lines, s.Views = "case", []View{{"the server", []string{"calls"}}, {"callers", []string{"got"}}}
	tables := s.tables(summaries())
	if len(tables) != 2 || tables[0].Title != "the server" || tables[1].Title != "callers" {
		t.Fatalf("%+v", tables)
	}
	if got, want := tables[1].Columns, []string{"case", "got", "error"}; !slices.Equal(got, want) {
		t.Errorf("the columns are %q", got)
	}
	if got, want := tables[1].Rows[0], []string{"authtrip/cold", "200", ""}; !slices.Equal(got, want) {
		t.Errorf("the first row is %q", got)
	}
	if got, want := tables[1].Goals, []string{`authtrip/cold, got: goal: "200": met (200)`}; !slices.Equal(got, want) {
		t.Errorf("the goals are %q", got)
	}
	if got := len(tables[0].Goals); got != 2 {
		t.Errorf("%d goals are about calls, want 2", got)
	}
}

// A ratio has a unit, and is judged by its median; a word is no figure.
func TestRatiosAreJudgedByTheirMedians(t *testing.T) {
	s := Scenario{Goals: []Goal{{Case: "a", Cell: "of map get", AtMost: 2.2}, {Case: "a", Cell: "to open", AtMost: 5}}}
	var rows []Row
	for _, v := range []float64{2, 9, 2.1} {
		rows = append(rows, Row{"a", []Cell{Value("of map get", v, "×"), Text("to open", "never")}})
	}
	got := s.tables(summarize(rows))[0].Goals
	want := []string{"a, of map get: goal: ≤ 2.20 ×: met (2.10 ×)", "a, to open: goal: to be had: MISSED (never)"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestTablesAreWrittenAsMarkdown(t *testing.T) {
	file := filepath.Join(t.TempDir(), "t.md")
	tables := []Table{{Title: "cold", Columns: []string{"peer", "got"}, Rows: [][]string{{"authtrip", "200 | 401"}}, Goals: []string{"a goal"}}}
	if err := Print([]Section{{"title", tables}}, file); err != nil {
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
	for v, want := range map[float64]string{0: "0", 12: "12", 123.4: "123", 12.34: "12.3", 1.264: "1.26", -0.5: "-0.50", 0.0471: "0.047"} {
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
