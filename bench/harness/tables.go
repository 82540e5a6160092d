package harness

import (
	"fmt"
	"slices"

	"github.com/authtrip/authtrip/bench/peer"
)

// tables makes one table of each view, or of each variant.
func (s Scenario) tables(all []summary) (out []Table) {
	for _, v := range s.Views {
		out = append(out, s.table(v, all, func(sum summary) string { return sum.name }))
	}
	if s.Views != nil {
		return out
	}
	var variants []string
	groups := map[string][]summary{}
	for _, sum := range all {
		_, v := sum.split()
		if groups[v] == nil {
			variants = append(variants, v)
		}
		groups[v] = append(groups[v], sum)
	}
	for _, v := range variants {
		out = append(out, s.table(View{Title: v}, groups[v], func(sum summary) string {
			name, _ := sum.split()
			return name
		}))
	}
	return out
}

// table makes one of the rows in group, by what they are called there.
func (s Scenario) table(v View, group []summary, called func(summary) string) Table {
	t := Table{Title: v.Title, Columns: []string{s.Lines}}
	if s.Lines == "" {
		t.Columns[0] = "peer"
	}
	var columns []string
	for _, sum := range group {
		for _, c := range sum.cells {
			if slices.Contains(columns, c.Name) || !v.has(c.Name) {
				continue
			}
			columns = append(columns, c.Name)
			head := c.Name
			if c.Unit != "" {
				head += " (" + c.Unit + ")"
			}
			t.Columns = append(t.Columns, head)
			if s.compares(c.Name, group) {
				t.Columns = append(t.Columns, "of best peer")
			}
		}
	}
	for _, sum := range group {
		line := []string{called(sum)}
		for _, column := range columns {
			c, ok := sum.cell(column)
			text := ""
			if ok {
				text = c.String()
			}
			line = append(line, text)
			if s.compares(column, group) {
				line = append(line, s.ofBest(c, group))
			}
		}
		t.Rows = append(t.Rows, line)
	}
	for _, g := range s.Goals {
		for _, sum := range group {
			if sum.name == g.Case && v.has(g.Cell) {
				best, ok := s.best(g.Cell, group)
				sentence, _ := g.judged(called(sum), sum, best, ok)
				t.Goals = append(t.Goals, sentence)
			}
		}
	}
	return t
}

// has reports whether v shows a column. All show what went wrong.
func (v View) has(column string) bool {
	return v.Columns == nil || column == "error" || slices.Contains(v.Columns, column)
}

// compares reports whether there is a ratio to show beside a column.
func (s Scenario) compares(column string, group []summary) bool {
	best, ok := s.best(column, group)
	return ok && best > 0 && slices.Contains(s.Compare, column)
}

func (s Scenario) ofBest(c samples, group []summary) string {
	best, _ := s.best(c.Name, group)
	if len(c.nums) == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", c.median()/best)
}

// best is the least that another library has in that column and did its job.
func (s Scenario) best(column string, group []summary) (least float64, ok bool) {
	for _, sum := range group {
		name, _ := sum.split()
		p, err := peer.ByName(name)
		if err != nil || p.Ours || p.Static {
			continue
		}
		c, has := sum.cell(column)
		if !has || len(c.nums) == 0 || slices.ContainsFunc(s.Job, func(name string) bool {
			faults, _ := sum.cell(name)
			return len(faults.nums) == 0 || faults.worst() > 0
		}) {
			continue
		}
		if m := c.median(); !ok || m < least {
			least, ok = m, true
		}
	}
	return least, ok
}
