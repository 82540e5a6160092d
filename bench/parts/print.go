package parts

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/authtrip/authtrip/bench/harness"
)

// Goal bounds one figure of one row.
type Goal struct {
	What              string
	Part, Row, Column string
	AtMost            float64
}

func printGoals(w io.Writer, goals []Goal, r Results) {
	first := true
	for _, g := range goals {
		v, ok := r.Cell(g.Part, g.Row, g.Column)
		if !ok {
			continue
		}
		if first {
			fmt.Fprint(w, "\n## Goals\n\n")
			first = false
		}
		verdict := "met"
		if v > g.AtMost {
			verdict = "MISSED"
		}
		fmt.Fprintf(w, "- %s: %s (%s, goal ≤ %s)\n", g.What, verdict, number(v), number(g.AtMost))
	}
}

// medians merges the rows of several runs that have the same name.
func medians(rows []harness.Row) []harness.Row {
	var names []string
	for _, r := range rows {
		if !slices.Contains(names, r[0].Text) {
			names = append(names, r[0].Text)
		}
	}
	var merged []harness.Row
	for _, name := range names {
		var same []harness.Row
		for _, r := range rows {
			if r[0].Text == name {
				same = append(same, r)
			}
		}
		merged = append(merged, median(same))
	}
	return merged
}

func median(rows []harness.Row) harness.Row {
	out := slices.Clone(rows[0])
	for i, c := range out {
		var figures []float64
		var texts []string
		for _, r := range rows {
			for _, other := range r {
				switch {
				case other.Name != c.Name:
				case other.IsN:
					figures = append(figures, other.Num)
				case !slices.Contains(texts, other.Text):
					texts = append(texts, other.Text)
				}
			}
		}
		if !c.IsN {
			out[i].Text = strings.Join(texts, "; ")
			continue
		}
		slices.Sort(figures)
		out[i].Num = figures[len(figures)/2]
		if low, high := figures[0], figures[len(figures)-1]; high > 1.5*low+1 {
			out[i].Text = fmt.Sprintf(" [%s..%s]", number(low), number(high))
		}
	}
	return out
}

func (p Part) print(w io.Writer, rows []harness.Row) {
	if len(p.Tables) == 0 {
		printTable(w, p.Title, nil, rows)
	}
	for _, t := range p.Tables {
		printTable(w, p.Title+": "+t.Title, t.Columns, rows)
	}
}

// printTable prints the columns that are wanted; nil is all.
func printTable(w io.Writer, title string, wanted []string, rows []harness.Row) {
	fmt.Fprintf(w, "\n## %s\n\n", title)
	var columns []harness.Cell
	for _, r := range rows {
		for _, c := range r[1:] {
			if wanted != nil && c.Name != "error" && !slices.Contains(wanted, c.Name) {
				continue
			}
			if !slices.ContainsFunc(columns, func(o harness.Cell) bool { return o.Name == c.Name }) {
				columns = append(columns, c)
			}
		}
	}
	head, rule := "| |", "|---|"
	for _, c := range columns {
		head += " " + c.Name
		if c.Unit != "" {
			head += " (" + c.Unit + ")"
		}
		head += " |"
		rule += "---|"
	}
	fmt.Fprintln(w, head)
	fmt.Fprintln(w, rule)
	for _, r := range rows {
		line := "| " + r[0].Text + " |"
		for _, column := range columns {
			text := "–"
			for _, c := range r[1:] {
				switch {
				case c.Name != column.Name:
				case c.IsN:
					text = number(c.Num) + c.Text
				default:
					text = c.Text
				}
			}
			line += " " + text + " |"
		}
		fmt.Fprintln(w, line)
	}
}

func number(v float64) string {
	switch {
	case v == float64(int64(v)) && v < 1e9 || v >= 100 || v <= -100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10 || v <= -10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}
