package harness

import (
	"strconv"
	"time"
)

// Row is what one run yields for one line of a table.
type Row struct {
	Name  string // "peer/variant"; empty is that of the case
	Cells []Cell
}

// Cell is one figure or one word of a row.
type Cell struct {
	Name string
	Num  float64
	Text string
	Unit string // "ms", "MB", "/s" or empty
	IsN  bool
}

// One is what a case yields that has one row.
func One(cells ...Cell) []Row { return []Row{{Cells: cells}} }

// N is a count.
func N(name string, v int64) Cell { return Value(name, float64(v), "") }

// Value is a figure in a unit; a figure without a unit is judged as counts are.
func Value(name string, v float64, unit string) Cell {
	return Cell{Name: name, Num: v, Unit: unit, IsN: true}
}

// Ms is a time, shown in milliseconds.
func Ms(name string, d time.Duration) Cell { return Value(name, float64(d)/1e6, "ms") }

// MB is memory in bytes, shown in MiB.
func MB(name string, b float64) Cell { return Value(name, b/(1<<20), "MB") }

// Rate is so many in a second.
func Rate(name string, v float64) Cell { return Value(name, v, "/s") }

// Text is a word.
func Text(name, v string) Cell { return Cell{Name: name, Text: v} }

// failed is what a run yields that could not be made.
func failed(err error) []Row { return One(Text("error", err.Error())) }

// cell finds the cell of that name.
func (r Row) cell(name string) (Cell, bool) {
	for _, c := range r.Cells {
		if c.Name == name {
			return c, true
		}
	}
	return Cell{}, false
}

// Figure writes a figure in as many digits as it is worth.
func Figure(v float64) string {
	digits := 3
	switch size := max(v, -v); {
	case v == float64(int64(v)) && size < 1e9, size >= 100:
		digits = 0
	case size >= 10:
		digits = 1
	case size >= 0.1:
		digits = 2
	}
	return strconv.FormatFloat(v, 'f', digits, 64)
}
