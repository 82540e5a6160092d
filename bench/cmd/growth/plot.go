package main

import (
	"bytes"
	"image/color"
	"os"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/authtrip/authtrip/bench/harness"
)

// plotAll writes an SVG of both scenarios.
func plotAll(path string, goroutines, tenants []harness.Row) error {
	canvas := vgsvg.New(width, height)
	if err := drawAll(draw.New(canvas), goroutines, tenants); err != nil {
		return err
	}
	var svg bytes.Buffer
	if _, err := canvas.WriteTo(&svg); err != nil {
		return err
	}
	// Who does not have the font has another without serifs.
	text := bytes.ReplaceAll(svg.Bytes(), []byte("font-family:Liberation Sans"), []byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif"))
	return os.WriteFile(path, text, 0o644)
}

const width, height = 11 * vg.Inch, 4.5 * vg.Inch

// drawAll draws both side by side.
func drawAll(c draw.Canvas, goroutines, tenants []harness.Row) error {
	plot.DefaultFont = font.Font{Typeface: "Liberation", Variant: "Sans"}
	const cost = "processor time of a request, ns"
	left, err := panel("Requests by ever more goroutines", "goroutines", cost, goroutines)
	if err != nil {
		return err
	}
	right, err := panel("Requests for ever more tenants of one Manager", "tenants", cost, tenants)
	if err != nil {
		return err
	}
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	tiles := draw.Tiles{
		Rows: 1, Cols: 2, PadX: vg.Inch / 3,
		PadTop: vg.Inch / 8, PadBottom: vg.Inch / 8, PadLeft: vg.Inch / 8, PadRight: vg.Inch / 4,
	}
	plots := []*plot.Plot{left, right}
	for i, tile := range plot.Align([][]*plot.Plot{plots}, tiles, c)[0] {
		plots[i].Draw(tile)
	}
	return nil
}

// panel draws a line for each row, by the columns whose names are numbers.
func panel(title, x, y string, rows []harness.Row) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = title
	p.X.Label.Text, p.Y.Label.Text = x, y
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, powers{}
	p.Y.Min, p.Y.Tick.Marker = 0, steps{}
	p.Legend.Top, p.Legend.Left = true, true
	p.Legend.Padding, p.Legend.XOffs = 2, 8
	p.BackgroundColor = color.White
	p.Add(plotter.NewGrid())
	most := 0.0
	for i, r := range rows {
		points := plotter.XYs{}
		for _, c := range r.Cells {
			if n, ok := count(c.Name); ok && c.IsN {
				points = append(points, plotter.XY{X: n, Y: c.Num})
				most = max(most, c.Num)
			}
		}
		if len(points) == 0 {
			continue
		}
		line, dots, err := plotter.NewLinePoints(points)
		if err != nil {
			return nil, err
		}
		line.Color, dots.Color = plotutil.Color(i), plotutil.Color(i)
		line.Width, dots.Shape = 1.5, plotutil.Shape(i)
		if strings.HasPrefix(r.Name, "floor") || r.Name == floorName {
			line.Dashes = plotutil.Dashes(1)
		}
		p.Add(line, dots)
		p.Legend.Add(r.Name, line, dots)
	}
	p.Y.Max = most * 1.5 // room for the legend
	return p, nil
}
