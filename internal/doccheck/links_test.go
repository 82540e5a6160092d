package doccheck

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

var (
	link    = regexp.MustCompile(`\]\(([^()\s]+)(?:\s+(?:"[^"\n]*"|'[^'\n]*'))?\)`) // with a title or without
	source  = regexp.MustCompile(`(?:src|srcset|href)="([^"]+)"`)
	heading = regexp.MustCompile(`(?m)^#{1,6} +(.+)$`)
)

// Given every link of every document, when it leads into the repository, then
// the file is there, and the heading.
func TestEveryLinkLeadsSomewhere(t *testing.T) {
	docs := documents(t)
	anchors := map[string]map[string]bool{}
	for _, doc := range docs {
		anchors[doc.name] = doc.anchors()
	}
	count := 0
	for _, doc := range docs {
		for _, to := range doc.links() {
			count++
			if err := follow(doc.name, to, anchors); err != nil {
				t.Errorf("%s: %v", doc.name, err)
			}
		}
	}
	if count < 50 {
		t.Errorf("the documents have %d links; are they still found?", count)
	}
}

func TestABrokenLinkIsFound(t *testing.T) {
	anchors := map[string]map[string]bool{"docs/soak.md": {"one-two": true}}
	for to, works := range map[string]bool{
		"#one-two":                    true,
		"#three":                      false,
		"../README.md":                true,
		"../READ.md":                  false,
		"../internal":                 true,
		"../../elsewhere":             false,
		"../hooks.go#L1-L3":           true,
		"../hooks.go#L99999":          false,
		"../hooks.go#heading":         false,
		"../hook.go#L1":               false,
		"soak.md#one-two":             true,
		"../docs/soak.md#three":       false,
		"https://example.com/nowhere": true,
	} {
		if err := follow("docs/soak.md", to, anchors); (err == nil) != works {
			t.Errorf("%s: %v", to, err)
		}
	}
}

func TestALinkWithATitleIsFound(t *testing.T) {
	doc := document{text: "See [one](a.md), [two](b.md \"a title\") and [three](c.md 'another').\n"}
	if got := doc.links(); !slices.Equal(got, []string{"a.md", "b.md", "c.md"}) {
		t.Error(got)
	}
}

func (d document) links() (all []string) {
	text := regexp.MustCompile("`[^`\n]*`").ReplaceAllString(d.prose(), "`code`")
	for _, m := range append(link.FindAllStringSubmatch(text, -1), source.FindAllStringSubmatch(text, -1)...) {
		all = append(all, m[1])
	}
	return all
}

// follow says what is wrong with a link of a document.
func follow(from, to string, anchors map[string]map[string]bool) error {
	if strings.Contains(to, "://") || strings.HasPrefix(to, "mailto:") {
		return nil
	}
	file, anchor, _ := strings.Cut(to, "#")
	target := from
	if file != "" {
		target = path.Join(path.Dir(from), file)
	}
	if strings.HasPrefix(target, "..") {
		return fmt.Errorf("%q leads out of the repository", to)
	}
	if _, err := os.Stat(root + "/" + target); err != nil && file != "" {
		return fmt.Errorf("%q leads to nothing", to)
	}
	switch {
	case anchor == "":
	case !strings.HasSuffix(target, ".md"):
		return toLine(to, target, anchor)
	case !anchors[target][anchor]:
		return fmt.Errorf("%q: %s has no heading for it", to, target)
	}
	return nil
}

// toLine says what is wrong with an anchor into a file of code, which is a line
// or some, as in #L12-L20.
func toLine(to, target, anchor string) error {
	m := regexp.MustCompile(`^L(\d+)(?:-L(\d+))?$`).FindStringSubmatch(anchor)
	if m == nil {
		return fmt.Errorf("%q: only lines can be led to in %s", to, target)
	}
	text, err := os.ReadFile(root + "/" + target)
	if err != nil {
		return fmt.Errorf("%q leads into no file", to)
	}
	for _, number := range m[1:] {
		if n, _ := strconv.Atoi(number); n > bytes.Count(text, []byte("\n")) {
			return fmt.Errorf("%q: %s has no such line", to, target)
		}
	}
	return nil
}

// anchors are those that GitHub makes of headings.
func (d document) anchors() map[string]bool {
	all := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(d.prose(), -1) {
		text := regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`).ReplaceAllString(m[1], "$1")
		anchor := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, text)
		unique := anchor
		for n := 1; all[unique]; n++ {
			unique = fmt.Sprintf("%s-%d", anchor, n)
		}
		all[unique] = true
	}
	return all
}
