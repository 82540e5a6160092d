package harness

import (
	"strconv"
	"time"
)

// Cell is one figure or one word of a row.
type Cell struct {
	Name string
	Num  float64
	Text string
	Unit string // "ms", "MB", "/s" or empty
	IsN  bool
}

// Row is what one run of one case yields.
type Row []Cell

// N is a count.
func N(name string, v int64) Cell { return Cell{Name: name, Num: float64(v), IsN: true} }

// Ms is a time, shown in milliseconds.
func Ms(name string, d time.Duration) Cell {
	return Cell{Name: name, Num: float64(d) / 1e6, Unit: "ms", IsN: true}
}

// MB is memory in bytes, shown in MiB.
func MB(name string, b float64) Cell {
	return Cell{Name: name, Num: b / (1 << 20), Unit: "MB", IsN: true}
}

// Rate is so many in a second.
func Rate(name string, v float64) Cell { return Cell{Name: name, Num: v, Unit: "/s", IsN: true} }

// Text is a word.
func Text(name, v string) Cell { return Cell{Name: name, Text: v} }

// Error is the row of a run that could not be made.
func Error(text string) Row { return Row{Text("error", text)} }

// cell finds the cell of that name.
func (r Row) cell(name string) (Cell, bool) {
	for _, c := range r {
		if c.Name == name {
			return c, true
		}
	}
	return Cell{}, false
}

// Num returns the figure of that name, or 0.
func (r Row) Num(name string) float64 {
	c, _ := r.cell(name)
	return c.Num
}

// Figure writes a figure in as many digits as it is worth.
func Figure(v float64) string {
	switch {
	case v == float64(int64(v)) && v < 1e9:
		return strconv.FormatInt(int64(v), 10)
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 1:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 3, 64)
}
