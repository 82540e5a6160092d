package doccheck

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// document is a Markdown file of the repository.
type document struct {
	name   string // from the root
	text   string
	blocks []block
}

// block is what is between two fences.
type block struct {
	document string
	line     int // of its first line, in the document
	language string
	text     string
	marker   string // the comment on the line before it: <!-- marker -->
}

// documents reads all there are.
func documents(t *testing.T) (all []document) {
	t.Helper()
	if _, err := os.ReadFile(beside); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (slices.Contains([]string{"testdata", ".git", "node_modules"}, d.Name()) || path == filepath.Join(root, "bench/results")) { // what a run of bench leaves
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(path) != ".md" {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		doc := document{name: filepath.ToSlash(name), text: string(text)}
		if doc.blocks, err = blocks(doc.name, doc.text); err != nil {
			return err
		}
		all = append(all, doc)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 8 {
		t.Fatalf("%d documents found; is %s the root of the repository?", len(all), root)
	}
	return all
}

// code is the documents, and the root package's documentation, whose text gofmt
// and its readers look after.
func code(t *testing.T) []document {
	t.Helper()
	return append(documents(t), packageDocument(t))
}

func packageDocument(t *testing.T) document {
	t.Helper()
	doc := document{name: "doc.go"}
	text, err := os.ReadFile(filepath.Join(root, doc.name))
	if err != nil {
		t.Fatal(err)
	}
	var b block
	for i, line := range strings.Split(string(text), "\n") {
		if code, ok := strings.CutPrefix(line, "//\t"); ok {
			if b.text == "" {
				b = block{document: doc.name, line: i + 1, language: "go"}
			}
			b.text += code + "\n"
		} else if b.text != "" {
			doc.blocks = append(doc.blocks, b)
			b = block{}
		}
	}
	return doc
}

// blocks finds the fenced blocks of a text.
func blocks(name, text string) (all []block, err error) {
	var b block
	open, before := false, ""
	for i, line := range strings.Split(text, "\n") {
		trimmed := strings.TrimSpace(line)
		switch {
		case open && trimmed == "```":
			all = append(all, b)
			open = false
		case open:
			b.text += line + "\n"
		case strings.HasPrefix(trimmed, "```"):
			open = true
			b = block{document: name, line: i + 2, language: trimmed[3:], marker: comment(before)}
		}
		before = trimmed
	}
	if open {
		return nil, &os.PathError{Op: "read the block of", Path: name, Err: os.ErrInvalid}
	}
	return all, nil
}

// comment is what a line says that is an HTML comment, and nothing of others.
func comment(line string) string {
	rest, ok := strings.CutPrefix(line, "<!--")
	if !ok {
		return ""
	}
	rest, ok = strings.CutSuffix(rest, "-->")
	if !ok {
		return ""
	}
	return strings.TrimSpace(rest)
}

// prose is a document's text without its fenced blocks, line for line.
func (d document) prose() string {
	lines := strings.Split(d.text, "\n")
	for _, b := range d.blocks {
		for i := range strings.Count(b.text, "\n") + 2 {
			lines[b.line-2+i] = ""
		}
	}
	return strings.Join(lines, "\n")
}
