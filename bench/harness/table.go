package harness

import (
	"fmt"
	"io"
	"os"
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

// Section is some tables under one title.
type Section struct {
	Title  string
	Tables []Table
}

// Print prints the sections, and writes them as Markdown to the file of that
// name unless it is empty.
func Print(sections []Section, markdown string) error {
	var md strings.Builder
	for i, s := range sections {
		if i > 0 {
			fmt.Println()
		}
		fmt.Println(s.Title)
		fmt.Fprintf(&md, "## %s\n\n", s.Title)
		for _, t := range s.Tables {
			fmt.Println()
			if err := t.text(os.Stdout); err != nil {
				return err
			}
			if err := t.markdown(&md); err != nil {
				return err
			}
		}
	}
	if markdown == "" {
		return nil
	}
	return os.WriteFile(markdown, []byte(md.String()), 0o644)
}

// text writes t in columns.
func (t Table) text(w io.Writer) error {
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

func (t Table) markdown(w io.Writer) error {
	var b strings.Builder
	if t.Title != "" {
		fmt.Fprintf(&b, "### %s\n\n", t.Title)
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
