package harness

import (
	"fmt"
	"slices"
	"strings"
)

// Goal is what a figure of a case is to be. Counts must be so in every run,
// times and memory in the median of the runs.
type Goal struct {
	Case string // "authtrip/10000"
	Cell string // "slowest"

	AtMost float64 // in the cell's unit
	// BestPeer is instead: no more than the best of the other libraries.
	BestPeer bool
	// Is is instead, for a word: it is this.
	Is string
}

// judged says in one sentence whether g is met by what its case yielded, with
// the figure of the best peer, if there is one.
func (g Goal) judged(s summary, best float64, hasBest bool) string {
	if e, failed := s.cell("error"); failed {
		return g.sentence("every run is made", false, e.String())
	}
	c, ok := s.cell(g.Cell)
	if !ok {
		return g.sentence("to be had", false, "no such figure")
	}
	if g.Is != "" {
		return g.sentence(fmt.Sprintf("%q", g.Is), slices.Equal(c.words, []string{g.Is}), c.String())
	}
	most, what := g.AtMost, ""
	if g.BestPeer {
		if !hasBest {
			return g.sentence("≤ best peer", false, "no peer to compare with")
		}
		most, what = best, " (best peer)"
	}
	got := c.median()
	if c.Unit == "" {
		got = c.worst()
	}
	want := "≤ " + c.with(Figure(most)) + what
	if most == 0 {
		want = "none"
	}
	return g.sentence(want, got <= most, c.with(Figure(got)))
}

func (g Goal) sentence(want string, met bool, got string) string {
	name, _, _ := strings.Cut(g.Case, "/")
	return Sentence(name+", "+g.Cell, want, met, got)
}

// Sentence says whether a goal is met, in the manner of every program here.
func Sentence(what, want string, met bool, got string) string {
	verdict := "MISSED"
	if met {
		verdict = "met"
	}
	return fmt.Sprintf("%s: goal: %s: %s (%s)", what, want, verdict, got)
}
