package parts

import (
	"strings"
	"testing"

	"github.com/authtrip/authtrip/bench/harness"
)

func run(name string, calls int64) harness.Row {
	return harness.Row{harness.Text("", name), harness.N("calls", calls)}
}

func TestRunsOfTheSameRowBecomeTheirMedian(t *testing.T) {
	got := medians([]harness.Row{run("a", 9), run("b", 1), run("a", 2), run("b", 1), run("a", 3), run("b", 1)})
	if len(got) != 2 {
		t.Fatalf("%d rows of two names", len(got))
	}
	if a := got[0][1]; a.Num != 3 || a.Text != " [2..9]" {
		t.Errorf("a is %v%s, want 3 [2..9]", a.Num, a.Text)
	}
	if b := got[1][1]; b.Num != 1 || b.Text != "" {
		t.Errorf("b is %v%s, want 1", b.Num, b.Text)
	}
}

func TestAGoalIsMissedByMoreThanIsAllowed(t *testing.T) {
	results := Results{"part": {run("a", 5), run("b", 6)}}
	var out strings.Builder
	printGoals(&out, []Goal{
		{What: "calls of a", Part: "part", Row: "a", Column: "calls", AtMost: 5},
		{What: "calls of b", Part: "part", Row: "b", Column: "calls", AtMost: 5},
		{What: "calls of c", Part: "part", Row: "c", Column: "calls", AtMost: 5}, // was not run
	}, results)
	want := "\n## Goals\n\n- calls of a: met (5, goal ≤ 5)\n- calls of b: MISSED (6, goal ≤ 5)\n"
	if out.String() != want {
		t.Errorf("got %q\nwant %q", out.String(), want)
	}
}

func TestATableHasTheColumnsThatAreWanted(t *testing.T) {
	var out strings.Builder
	printTable(&out, "Title", []string{"calls"}, []harness.Row{append(run("a", 1), harness.N("other", 2)), {harness.Text("", "b")}})
	want := "\n## Title\n\n| | calls |\n|---|---|\n| a | 1 |\n| b | – |\n"
	if out.String() != want {
		t.Errorf("got %q\nwant %q", out.String(), want)
	}
}
