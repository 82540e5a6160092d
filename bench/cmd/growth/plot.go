package main

import (
	"image/color"
	"os"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/authtrip/authtrip/bench/harness"
	"github.com/authtrip/authtrip/bench/parts"
)

// plotAll draws both parts side by side, as SVG.
func plotAll(path string, r parts.Results) error {
	left, err := panel("From 1 to 10,000 goroutines", "goroutines", "processor time of a request, ns", r[goroutinesPart])
	if err != nil {
		return err
	}
	right, err := panel("From 1 to 100,000 tenants of one Manager", "tenants", "time of a request, ns", r[tenantsPart])
	if err != nil {
		return err
	}
	canvas := vgsvg.New(11*vg.Inch, 4.5*vg.Inch)
	dc := draw.New(canvas)
	dc.SetColor(color.White)
	dc.Fill(dc.Rectangle.Path())
	tiles := draw.Tiles{Rows: 1, Cols: 2, PadX: vg.Inch / 3, PadTop: vg.Inch / 8, PadBottom: vg.Inch / 8, PadLeft: vg.Inch / 8, PadRight: vg.Inch / 4}
	plots := [][]*plot.Plot{{left, right}}
	for i, c := range plot.Align(plots, tiles, dc)[0] {
		plots[0][i].Draw(c)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if _, err := canvas.WriteTo(f); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

// panel draws a line for each row, by the columns whose names are numbers.
func panel(title, x, y string, rows []harness.Row) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = title
	p.X.Label.Text, p.Y.Label.Text = x, y
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, powers{}
	p.Y.Min = 0
	p.Legend.Top, p.Legend.Left = true, true
	p.Legend.Padding = 2
	p.BackgroundColor = color.White
	p.Add(plotter.NewGrid())
	most := 0.0
	for i, r := range rows {
		points := plotter.XYs{}
		for _, c := range r[1:] {
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
		if strings.HasPrefix(r[0].Text, "floor") || r[0].Text == floorName {
			line.Dashes = plotutil.Dashes(1)
		}
		p.Add(line, dots)
		p.Legend.Add(r[0].Text, line, dots)
	}
	p.Y.Max = most * 1.5 // room for the legend
	return p, nil
}
