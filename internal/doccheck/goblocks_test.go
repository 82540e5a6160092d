package doccheck

import (
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// notCompiled is the marker of a Go block that cannot be compiled; the reason
// follows it.
const notCompiled = "not compiled:"

// mostNotCompiled are as many as may be.
const mostNotCompiled = 2

// Given every Go block of every document, when they are compiled and vetted,
// then nothing is to be said.
func TestEveryGoBlockOfTheDocumentsCompiles(t *testing.T) {
	dir := t.TempDir()
	module(t, dir)
	compiled, left := 0, 0
	for _, doc := range code(t) {
		var fragments []block
		for _, b := range doc.blocks {
			switch {
			case b.language != "go":
			case strings.HasPrefix(b.marker, notCompiled):
				left++
				t.Logf("%s:%d is %s", b.document, b.line, b.marker)
			case strings.HasPrefix(b.text, "package "):
				compiled++
				file := fmt.Sprintf("//line %s:%d\n%s", absolute(t, b.document), b.line, b.text)
				write(t, filepath.Join(dir, fmt.Sprintf("%s%d", plain(doc.name), b.line)), file)
			default:
				compiled++
				fragments = append(fragments, b)
			}
		}
		if fragments != nil {
			write(t, filepath.Join(dir, plain(doc.name)), together(t, doc.name, fragments))
		}
	}
	if left > mostNotCompiled {
		t.Errorf("%d Go blocks are marked %q, more than %d", left, notCompiled, mostNotCompiled)
	}
	if out := vet(t, dir); out != "" {
		t.Errorf("of %d Go blocks:\n%s", compiled, out)
	}
	t.Logf("%d Go blocks", compiled)
}

// Given every Go block of every document, when gofmt formats it, then it is the
// same.
func TestEveryGoBlockOfTheDocumentsIsFormatted(t *testing.T) {
	for _, doc := range code(t) {
		for _, b := range doc.blocks {
			if b.language != "go" || strings.HasPrefix(b.marker, notCompiled) {
				continue
			}
			formatted, err := format.Source([]byte(b.text))
			if err != nil {
				t.Errorf("%s:%d: %v", b.document, b.line, err)
			} else if string(formatted) != b.text {
				t.Errorf("%s:%d: gofmt would have\n%s", b.document, b.line, formatted)
			}
		}
	}
}

// What a broken block is told, and that an unused variable is none.
func TestABrokenGoBlockIsFound(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"unused := 1\nvar other int\n", ""},
		{"_ = undefined\n", "SECURITY.md:7: undefined: undefined"},
		{"one := 1\none.two()\n", "SECURITY.md:8: one.two undefined"},
		{"fmt.Printf(\"%d\\n\", \"text\")\n", "wrong type"},
		{"func f() int { return \"text\" }\n", "SECURITY.md:7: cannot use"},
		{"if err != nil { … }\n", "SECURITY.md:7: "},
	} {
		dir := t.TempDir()
		module(t, dir)
		b := block{document: "SECURITY.md", line: 7, text: c.text}
		source := strings.Replace(join(t, "package blocks\n", []block{b}), "package blocks\n", "package blocks\n\nimport \"fmt\"\n\nvar _ = fmt.Sprint\n", 1)
		write(t, filepath.Join(dir, "blocks"), source)
		if out := vet(t, dir); !strings.Contains(out, c.want) || (c.want == "") != (out == "") {
			t.Errorf("of %q is said %q, want %q", c.text, out, c.want)
		}
	}
}

// module makes a module in dir that requires what this one does. It has
// another path, so that internal packages are out of its reach, as they are out
// of a reader's.
func module(t *testing.T, dir string) {
	t.Helper()
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		said := regexp.MustCompile(`(?m)^module .*`).ReplaceAllString(string(text), "module example.com/documents")
		said = regexp.MustCompile(`=> (\.\./\S*)`).ReplaceAllStringFunc(said, func(arrow string) string {
			return "=> " + absolute(t, "internal/doccheck/"+strings.TrimPrefix(arrow, "=> "))
		})
		if err := os.WriteFile(filepath.Join(dir, name), []byte(said), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// together is the package of a document's blocks, with its prelude.
func together(t *testing.T, name string, fragments []block) string {
	t.Helper()
	prelude, err := os.ReadFile(filepath.Join("testdata", "preludes", strings.TrimSuffix(strings.ReplaceAll(name, "/", "-"), ".md")+".go"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if err != nil {
		prelude = []byte("package documents\n")
	}
	return join(t, string(prelude), fragments)
}

func join(t *testing.T, prelude string, fragments []block) string {
	t.Helper()
	var source strings.Builder
	source.WriteString(prelude)
	for _, b := range fragments {
		line := fmt.Sprintf("//line %s:%d\n", absolute(t, b.document), b.line)
		if parses("package p\n" + b.text) {
			source.WriteString("\n" + line + b.text)
			continue
		}
		fmt.Fprintf(&source, "\nfunc block%d() error {\n%s%s", b.line, line, b.text)
		for _, name := range declared(b.text) {
			fmt.Fprintf(&source, "_ = %s\n", name)
		}
		source.WriteString("return nil\n}\n")
	}
	return source.String()
}

func parses(source string) bool {
	_, err := parser.ParseFile(token.NewFileSet(), "", source, 0)
	return err == nil
}

// declared are the variables of statements that stand in no other.
func declared(text string) (names []string) {
	file, err := parser.ParseFile(token.NewFileSet(), "", "package p\nfunc _() {\n"+text+"}\n", 0)
	if err != nil {
		return nil // which the compiler will say
	}
	seen := map[string]bool{"_": true}
	add := func(x ast.Expr) {
		if id, ok := x.(*ast.Ident); ok && !seen[id.Name] {
			seen[id.Name] = true
			names = append(names, id.Name)
		}
	}
	for _, s := range file.Decls[0].(*ast.FuncDecl).Body.List {
		switch s := s.(type) {
		case *ast.AssignStmt:
			for _, x := range s.Lhs {
				if s.Tok == token.DEFINE {
					add(x)
				}
			}
		case *ast.DeclStmt:
			for _, spec := range s.Decl.(*ast.GenDecl).Specs {
				if v, ok := spec.(*ast.ValueSpec); ok {
					for _, id := range v.Names {
						add(id)
					}
				}
			}
		}
	}
	return names
}

// vet returns what go vet says of the module in dir, with the documents' lines.
func vet(t *testing.T, dir string) string {
	t.Helper()
	said, err := run(t, dir, "go", "vet", "-unreachable=false", "./...")
	if err == nil {
		return ""
	}
	if all, err := run(t, dir, "go", "build", "-gcflags=-e", "./..."); err != nil {
		said = all // vet says the first fault only
	}
	return strings.ReplaceAll(said, absolute(t, "")+string(filepath.Separator), "")
}

func run(t *testing.T, dir string, command ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func write(t *testing.T, dir, source string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "blocks.go"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
}

// absolute is the path of what is at name from the root.
func absolute(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// plain is a document's name as a directory's.
func plain(name string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		if r == '/' || r == '.' || r == '-' {
			return '_'
		}
		return r
	}, name))
}
