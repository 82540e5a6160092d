package doccheck

import (
	"fmt"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// programs are those that documents may call without saying where they are
// from, besides the repository's own.
var programs = []string{"authtrip", "cat", "cd", "curl", "docker", "echo", "export", "git", "go", "grep", "head", "jq", "kill", "mkdir", "openssl", "rm", "sleep", "unset", "wait"}

// Given every command of every document, in a block of sh or after a "$ " in one
// of console, or in the text, then there is such a program, and the packages
// and scripts that it names.
func TestEveryCommandOfTheDocumentsExists(t *testing.T) {
	code, count := testCode(t), 0
	for _, doc := range documents(t) {
		for _, c := range doc.commands() {
			count++
			if err := c.check(code); err != nil {
				t.Errorf("%s:%d: %q: %v", doc.name, c.line, c.text, err)
			}
		}
	}
	if count < 20 {
		t.Errorf("the documents have %d commands; are they still found?", count)
	}
}

func TestABrokenCommandIsFound(t *testing.T) {
	for text, works := range map[string]bool{
		"go run ./examples/quickstart":                    true,
		"go run ./examples/quickstart -live":              true,
		"go run ./examples/slowstart":                     false,
		"go run -C examples/sdk .":                        true,
		"go run -C examples/abc .":                        false,
		"go test -race ./nhn ./prism":                     true,
		"go test -race ./nhn ./prisma":                    false,
		"go test -run TestABrokenCommandIsFound ./nhn":    true,
		"go test -run TestOfNothingAtAll ./nhn":           false,
		"go test ./nhn -run='TestABroken.*|TestEveryJSON": true,
		"scripts/test.sh":                                 true,
		"scripts/best.sh":                                 false,
		"GOWORK=off go vet ./...":                         true,
		"gho vet":                                         false,
		"docs/soak.md":                                    false,
	} {
		if err := (command{text: text}).check("func TestABrokenCommandIsFound(\nfunc TestEveryJSONBlock"); (err == nil) != works {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// command is a line for a shell, from the directory dir.
type command struct {
	line      int
	text, dir string
}

// commands are those of a document's blocks, and those in its text that run a
// part of the repository. They start at the root, in a README.md where it is.
func (d document) commands() (all []command) {
	home := ""
	if path.Base(d.name) == "README.md" {
		home = strings.TrimPrefix(path.Dir(d.name), ".")
	}
	for _, b := range d.blocks {
		if b.language != "sh" && b.language != "console" {
			continue
		}
		dir, cloned := home, ""
		text := strings.ReplaceAll(b.text, "\\\n", " ")
		for i, line := range strings.Split(text, "\n") {
			if b.language == "console" {
				var ok bool
				if line, ok = strings.CutPrefix(line, "$ "); !ok {
					continue
				}
			}
			line, _, _ = strings.Cut(line, " #")
			if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			for _, part := range regexp.MustCompile(`\s*(?:&&|\|\||;|\|)\s*`).Split(unquoted(line), -1) {
				if from, ok := strings.CutPrefix(part, "git clone "); ok {
					cloned = path.Base(from)
				}
				to, changes := strings.CutPrefix(part, "cd ")
				if changes && to == cloned {
					dir = ""
					continue
				}
				all = append(all, command{b.line + i, part, dir})
				if changes {
					dir = path.Join(dir, to)
				}
			}
		}
	}
	inText := regexp.MustCompile("`((?:go run|go test|scripts/[a-z]+\\.sh|bench/run\\.sh)[^`\n]*)`(?: in `([a-z0-9/]+)`)?")
	text := d.prose()
	for _, m := range inText.FindAllStringSubmatchIndex(text, -1) {
		c := command{line: 1 + strings.Count(text[:m[0]], "\n"), text: unquoted(text[m[2]:m[3]]), dir: home}
		if m[4] >= 0 {
			c.dir = text[m[4]:m[5]]
		}
		all = append(all, c)
	}
	return all
}

// unquoted is a line without what is in quotes, where any sign may be.
func unquoted(line string) string {
	return regexp.MustCompile(`'[^']*'|"[^"]*"`).ReplaceAllString(line, "quoted")
}

// check says what the command names that is not there.
func (c command) check(tests string) error {
	words := strings.Fields(c.text)
	for len(words) > 0 && regexp.MustCompile(`^\w+=`).MatchString(words[0]) {
		words = words[1:]
	}
	if len(words) == 0 {
		return nil
	}
	program := words[0]
	if strings.Contains(program, "/") {
		info, err := os.Stat(root + "/" + path.Join(c.dir, program))
		if err != nil || info.Mode()&0o111 == 0 || info.IsDir() {
			return fmt.Errorf("%s is no program here", program)
		}
		return nil
	}
	if !slices.Contains(programs, program) {
		return fmt.Errorf("what is %s? See programs in commands_test.go", program)
	}
	dir := c.dir
	for i, word := range words[1:] {
		before := words[i]
		switch {
		case program == "cd":
			return isDirectory(path.Join(c.dir, word))
		case program != "go":
		case before == "-C":
			dir = path.Join(dir, word)
			if err := isDirectory(dir); err != nil {
				return err
			}
		case word == "." || strings.HasPrefix(word, "./"):
			if err := isDirectory(path.Join(dir, strings.TrimSuffix(word, "..."))); err != nil {
				return err
			}
		case before == "-run" || strings.HasPrefix(word, "-run="):
			pattern := strings.Trim(strings.TrimPrefix(word, "-run="), "'\"^$")
			if strings.Contains(pattern, "Test") && !regexp.MustCompile(`func (?:`+strings.Trim(pattern, "|")+`)`).MatchString(tests) {
				return fmt.Errorf("no test is called %s", pattern)
			}
		}
	}
	return nil
}

func isDirectory(name string) error {
	info, err := os.Stat(root + "/" + name)
	if err != nil || !info.IsDir() {
		return fmt.Errorf("%s is no directory here", name)
	}
	return nil
}
