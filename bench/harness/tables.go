package harness

import (
	"fmt"
	"slices"

	"github.com/authtrip/authtrip/bench/peer"
)

// tables makes one table of each variant.
func (s Scenario) tables(all []summary) []Table {
	var variants []string
	for _, sum := range all {
		if _, v := sum.split(); !slices.Contains(variants, v) {
			variants = append(variants, v)
		}
	}
	var out []Table
	for _, v := range variants {
		var group []summary
		for _, sum := range all {
			if _, of := sum.split(); of == v {
				group = append(group, sum)
			}
		}
		out = append(out, s.table(v, group))
	}
	return out
}

func (s Scenario) table(variant string, group []summary) Table {
	t := Table{Title: variant, Columns: []string{"peer"}}
	var columns []string
	for _, sum := range group {
		for _, c := range sum.cells {
			if slices.Contains(columns, c.Name) {
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
		name, _ := sum.split()
		line := []string{name}
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
			if sum.name == g.Case {
				best, ok := s.best(g.Cell, group)
				sentence, _ := g.judged(sum, best, ok)
				t.Goals = append(t.Goals, sentence)
			}
		}
	}
	return t
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
		if !has || !c.IsN || slices.ContainsFunc(s.Job, func(name string) bool {
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
