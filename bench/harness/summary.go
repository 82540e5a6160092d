package harness

import (
	"fmt"
	"slices"
	"strings"
)

// summary is what the runs of one case yielded.
type summary struct {
	name  string // of the case: "peer/variant"
	cells []samples
}

// samples are the values of one cell in all runs, sorted.
type samples struct {
	Cell
	nums  []float64
	words []string // each once
}

func summarize(name string, runs []Row) summary {
	s := summary{name: name}
	for _, r := range runs {
		for _, c := range r {
			if _, ok := s.cell(c.Name); !ok {
				s.cells = append(s.cells, gather(c, runs))
			}
		}
	}
	return s
}

func gather(like Cell, runs []Row) samples {
	s := samples{Cell: like}
	for _, r := range runs {
		switch c, ok := r.cell(like.Name); {
		case !ok:
		case c.IsN:
			s.nums = append(s.nums, c.Num)
		case !slices.Contains(s.words, c.Text):
			s.words = append(s.words, c.Text)
		}
	}
	slices.Sort(s.nums)
	return s
}

func (s summary) cell(name string) (samples, bool) {
	for _, c := range s.cells {
		if c.Name == name {
			return c, true
		}
	}
	return samples{}, false
}

// split is the peer and the variant of the case.
func (s summary) split() (peer, variant string) {
	peer, variant, _ = strings.Cut(s.name, "/")
	return peer, variant
}

func (s samples) median() float64 { return Median(s.nums) }
func (s samples) worst() float64  { return s.nums[len(s.nums)-1] }

// with puts the unit behind a figure.
func (s samples) with(figure string) string {
	if s.Unit == "" {
		return figure
	}
	return figure + " " + s.Unit
}

// String is the median, with the least and the most where they are far apart.
func (s samples) String() string {
	if !s.IsN {
		return strings.Join(s.words, " or ")
	}
	if lo, hi := s.nums[0], s.worst(); hi > 1.5*lo+1 {
		return fmt.Sprintf("%s [%s..%s]", Figure(s.median()), Figure(lo), Figure(hi))
	}
	return Figure(s.median())
}

// Median is that of values, which it sorts.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	half := len(values) / 2
	if len(values)%2 == 0 {
		return (values[half-1] + values[half]) / 2
	}
	return values[half]
}
