package doccheck

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Given the hints that errors of an authorization server end in, then the table
// of docs/errors.md has the same, and no others.
func TestTheHintsOfTheErrorsAreThoseOfTheDocument(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs/errors.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(text), "| `Code` | hint |\n|---|---|\n")
	if !ok {
		t.Fatal("docs/errors.md has no table of hints")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	written := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (.*) \\|$").FindAllStringSubmatch(table, -1) {
		written[row[1]] = strings.ReplaceAll(row[2], "`", "")
	}
	if said := hints(t); !maps.Equal(said, written) {
		t.Errorf("errors.go has the hints\n%q\nand docs/errors.md\n%q", said, written)
	}
}

// hints are those of errors.go, which exports none.
func hints(t *testing.T) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, "errors.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || spec.Names[0].Name != "hints" {
			return true
		}
		for _, x := range spec.Values[0].(*ast.CompositeLit).Elts {
			pair := x.(*ast.KeyValueExpr)
			said[literal(pair.Key)] = literal(pair.Value)
		}
		return false
	})
	if len(said) == 0 {
		t.Fatal("errors.go has no map of hints")
	}
	return said
}

func literal(x ast.Expr) string {
	lit, ok := x.(*ast.BasicLit)
	if !ok {
		return ""
	}
	text, _ := strconv.Unquote(lit.Value)
	return text
}
