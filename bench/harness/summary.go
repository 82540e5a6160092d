package harness

import (
	"fmt"
	"slices"
	"strings"
)

// summary is what the runs of one row yielded.
type summary struct {
	name  string // of the row: "peer/variant"
	cells []samples
}

// samples are the values of one cell in all runs, sorted.
type samples struct {
	Cell
	nums  []float64
	words []string // each once
}

// summarize puts the rows of one name together, in the order in which they come.
func summarize(rows []Row) (all []summary) {
	var names []string
	same := map[string][]Row{}
	for _, r := range rows {
		if same[r.Name] == nil {
			names = append(names, r.Name)
		}
		same[r.Name] = append(same[r.Name], r)
	}
	for _, name := range names {
		s := summary{name: name}
		for _, r := range same[name] {
			for _, c := range r.Cells {
				if _, ok := s.cell(c.Name); !ok {
					s.cells = append(s.cells, gather(c, same[name]))
				}
			}
		}
		all = append(all, s)
	}
	return all
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

// split is the peer and the variant of the row.
func (s summary) split() (peer, variant string) {
	peer, variant, _ = strings.Cut(s.name, "/")
	return peer, variant
}

// row is that of the medians.
func (s summary) row() Row {
	r := Row{Name: s.name}
	for _, c := range s.cells {
		c.Cell.Num, c.Cell.Text = c.median(), strings.Join(c.words, " or ")
		r.Cells = append(r.Cells, c.Cell)
	}
	return r
}

func (s samples) median() float64 { return Median(s.nums) }
func (s samples) worst() float64  { return s.nums[len(s.nums)-1] }

func withUnit(v float64, unit string) string {
	if unit == "" {
		return Figure(v)
	}
	return Figure(v) + " " + unit
}

// String is the median, with the least and the most where they are far apart,
// and what words there were.
func (s samples) String() string {
	all := slices.Clone(s.words)
	if len(s.nums) > 0 {
		text := Figure(s.median())
		if lo, hi := s.nums[0], s.worst(); hi > 1.5*lo+1 {
			text = fmt.Sprintf("%s [%s..%s]", text, Figure(lo), Figure(hi))
		}
		all = append([]string{text}, all...)
	}
	return strings.Join(all, " or ")
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
