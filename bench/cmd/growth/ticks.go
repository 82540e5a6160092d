package main

import (
	"strconv"

	"gonum.org/v1/plot"
)

// powers puts a tick at each power of ten, written out.
type powers struct{}

func (powers) Ticks(from, to float64) []plot.Tick {
	var ticks []plot.Tick
	for v := 1.0; v <= to; v *= 10 {
		if v >= from {
			ticks = append(ticks, plot.Tick{Value: v, Label: thousands(strconv.Itoa(int(v)))})
		}
	}
	return ticks
}

// steps puts ticks at round numbers, written out.
type steps struct{}

func (steps) Ticks(from, to float64) []plot.Tick {
	step := 1.0
	for i := 0; to/step > 8; i++ { // 1, 2, 5, 10, 20 …
		step *= []float64{2, 2.5, 2}[i%3]
	}
	var ticks []plot.Tick
	for v := 0.0; v <= to; v += step {
		if v >= from {
			ticks = append(ticks, plot.Tick{Value: v, Label: thousands(strconv.Itoa(int(v)))})
		}
	}
	return ticks
}

// thousands puts commas between groups of three digits.
func thousands(digits string) string {
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// count reads a column's name as a number.
func count(name string) (float64, bool) {
	n, err := strconv.Atoi(name)
	return float64(n), err == nil
}
