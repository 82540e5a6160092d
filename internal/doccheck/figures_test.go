package doccheck

import (
	"regexp"
	"strings"
	"testing"
)

// notMeasured is the marker, on a line of its own before a table, for figures
// that somebody chose, such as defaults. It is for that table only.
const notMeasured = "<!-- figures that are set, not measured -->"

var (
	// measured is a cell that has a unit, as what was measured does.
	measured = regexp.MustCompile(`(?m)^\|.*\|[^|\n]*\b[\d.,]*\d ?(?:ns|µs|ms|s|B|KB|KiB|MB|MiB|GiB)\b[^|\n]*\|`)
	makes    = regexp.MustCompile("(?m)(?:`|&& |^)(?:\\w+=\\S+ )*(?:go run|go test|scripts/\\w|bench/run\\.sh|\\./run\\.sh)")
	section  = regexp.MustCompile(`(?m)^## `)
	setApart = regexp.MustCompile(regexp.QuoteMeta(notMeasured) + `\n+(?:\|.*\n)+`) // a marker, and its table
)

// Given a section of a document with a table of figures that have units, then
// it says the command that makes them, or the document's beginning does.
func TestFiguresStandBesideTheCommandThatMakesThem(t *testing.T) {
	tables := 0
	for _, doc := range documents(t) {
		if doc.name == "SECURITY.md" || doc.name == "CHANGELOG.md" {
			continue // their figures are limits
		}
		parts := section.Split(doc.text, -1)
		for i, part := range parts {
			if !measured.MatchString(setApart.ReplaceAllString(part, "")) {
				continue
			}
			tables++
			if !makes.MatchString(part) && (i == 0 || !makes.MatchString(parts[0])) {
				title, _, _ := strings.Cut(part, "\n")
				t.Errorf("%s has figures under %q, and neither that section nor the document's beginning says which command makes them", doc.name, title)
			}
		}
	}
	if tables < 5 {
		t.Errorf("the documents have figures in %d sections; are they still found?", tables)
	}
}

func TestTheMarkerOfSetFiguresIsForOneTable(t *testing.T) {
	table := "| wait |\n|---|\n| of | 3 ms |\n"
	one := notMeasured + "\n\n" + table
	if rest := setApart.ReplaceAllString(one+"\nText.\n\n"+table, ""); !measured.MatchString(rest) {
		t.Error("the table after the marked one is not looked at")
	}
	if rest := setApart.ReplaceAllString(one, ""); measured.MatchString(rest) {
		t.Error("the marked table is looked at")
	}
}
