package harness

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Table is what a program prints: as text for who watches, as Markdown for a
// document.
type Table struct {
	Title   string // empty: none
	Columns []string
	Rows    [][]string
	Goals   []string // sentences below the table
}

// Text writes t in columns.
func (t Table) Text(w io.Writer) error {
	var b strings.Builder
	if t.Title != "" {
		fmt.Fprintln(&b, t.Title)
	}
	tw := tabwriter.NewWriter(&b, 0, 4, 2, ' ', 0)
	for _, cells := range append([][]string{t.Columns}, t.Rows...) {
		fmt.Fprintln(tw, strings.Join(cells, "\t"))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for _, g := range t.Goals {
		fmt.Fprintln(&b, g)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Markdown writes t with a heading of that level.
func (t Table) Markdown(w io.Writer, level int) error {
	var b strings.Builder
	if t.Title != "" {
		fmt.Fprintf(&b, "%s %s\n\n", strings.Repeat("#", level), t.Title)
	}
	line := func(cells []string) {
		for _, c := range cells {
			fmt.Fprintf(&b, "| %s ", strings.ReplaceAll(c, "|", `\|`))
		}
		fmt.Fprintln(&b, "|")
	}
	line(t.Columns)
	fmt.Fprintln(&b, "|---"+strings.Repeat("|--:", len(t.Columns)-1)+"|")
	for _, r := range t.Rows {
		line(r)
	}
	fmt.Fprintln(&b)
	for _, g := range t.Goals {
		fmt.Fprintln(&b, "-", g)
	}
	if len(t.Goals) > 0 {
		fmt.Fprintln(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
