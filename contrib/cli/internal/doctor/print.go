package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// WriteText writes a line for each check, and below it what to do.
func (r *Report) WriteText(w io.Writer) error {
	width := 0
	for _, result := range r.Results {
		width = max(width, len(result.Check))
	}
	var b strings.Builder
	for _, result := range r.Results {
		fmt.Fprintf(&b, "%s  %-*s  %s\n", result.Status, width, result.Check, result.Found)
		if result.Do != "" {
			fmt.Fprintf(&b, "      %-*s  → %s\n", width, "", result.Do)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteJSON writes the report as one JSON object.
func (r *Report) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// oneLine is text without what a terminal might act upon.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, strings.Join(strings.Fields(text), " "))
}
