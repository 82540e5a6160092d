package harness

import (
	"fmt"
	"slices"
)

// Goal is what a figure of a row is to be. Counts must be so in every run,
// times, memory and ratios, which have a unit, in the median of the runs.
type Goal struct {
	Case string // the row: "authtrip/10000"
	Cell string // "slowest"

	AtMost float64 // in the cell's unit
	// BestPeer is instead: no more than the best of the other libraries.
	BestPeer bool
	// Is is instead, for a word: it is this.
	Is string
}

// judged says in one sentence whether g is met by what the row of that name
// yielded, with the figure of the best peer, if there is one.
func (g Goal) judged(name string, s summary, best float64, hasBest bool) (sentence string, met bool) {
	say := func(want string, met bool, got string) (string, bool) {
		return Sentence(name+", "+g.Cell, want, met, got), met
	}
	if e, failed := s.cell("error"); failed {
		return say("every run is made", false, e.String())
	}
	c, ok := s.cell(g.Cell)
	if !ok {
		return say("to be had", false, "no such figure")
	}
	if g.Is != "" {
		return say(fmt.Sprintf("%q", g.Is), slices.Equal(c.words, []string{g.Is}), c.String())
	}
	if !c.IsN || len(c.words) > 0 {
		return say("to be had", false, c.String())
	}
	most, what := g.AtMost, ""
	if g.BestPeer {
		if !hasBest {
			return say("≤ best peer", false, "no peer to compare with")
		}
		most, what = best, " (best peer)"
	}
	got := c.median()
	if c.Unit == "" {
		got = c.worst()
	}
	return say(atMost(most, c.Unit)+what, got <= most, withUnit(got, c.Unit))
}

// Counted runs one case once, in this process, and says which of its goals are
// missed. It is for tests, which run on busy machines: goals of time or memory,
// and those that need another peer, are left out.
func (s Scenario) Counted(name string) (missed []string) {
	rows := runCase([]Scenario{s}, s.prefix()+name)
	judged := 0
	for _, sum := range summarize(named(rows, name)) {
		for _, g := range s.Goals {
			c, has := sum.cell(g.Cell)
			if g.Case != sum.name || has && c.Unit != "" {
				continue
			}
			judged++
			if sentence, met := g.judged(sum.name, sum, 0, false); !met {
				missed = append(missed, sentence)
			}
		}
	}
	if judged == 0 {
		missed = append(missed, name+" has no such goal")
	}
	return missed
}

// AtMost says whether a figure is no more than it may be.
func AtMost(what string, most, got float64) string {
	return Sentence(what, atMost(most, ""), got <= most, Figure(got))
}

func atMost(most float64, unit string) string {
	if most == 0 {
		return "none"
	}
	return "≤ " + withUnit(most, unit)
}

// Sentence says whether a goal is met, in the manner of every program here.
func Sentence(what, want string, met bool, got string) string {
	verdict := "MISSED"
	if met {
		verdict = "met"
	}
	return fmt.Sprintf("%s: goal: %s: %s (%s)", what, want, verdict, got)
}
