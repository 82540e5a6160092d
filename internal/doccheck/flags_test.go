package doccheck

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// flag is one on a command line, without its dashes.
var flag = regexp.MustCompile(`(?:^|[\s(])--?([a-z][a-z-]*)`)

// Given every call of authtrip in a document, in a block or in the text, and
// every flag that docs/cli.md has by itself, then one of the command's parts has
// it. Which of them has it is not looked at.
func TestTheFlagsOfTheCommandExist(t *testing.T) {
	declared, count := declaredFlags(t), 0
	for _, doc := range documents(t) {
		for _, line := range callsOf(doc) {
			for _, m := range flag.FindAllStringSubmatch(line, -1) {
				count++
				if !declared[m[1]] {
					t.Errorf("%s: %q: authtrip has no flag --%s", doc.name, line, m[1])
				}
			}
		}
	}
	if count < 40 {
		t.Errorf("the documents have %d flags of authtrip; are they still found?", count)
	}
}

func TestACallOfTheCommandEndsBeforeAnotherProgram(t *testing.T) {
	doc := document{text: "```console\n$ X=y authtrip token nhn --fersh -o header | curl -s -H @- http://127.0.0.1\n--no-command\n```\n`authtrip revoke --all`, `--quiet`\n"}
	doc.blocks, _ = blocks("", doc.text)
	if got, want := callsOf(doc), []string{"authtrip token nhn --fersh -o header", "authtrip revoke --all"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// callsOf are the calls of authtrip in a document, without what follows them.
func callsOf(doc document) (calls []string) {
	for _, c := range doc.commands() {
		text := regexp.MustCompile(`^(?:\w+=\S* )*`).ReplaceAllString(c.text, "")
		if strings.HasPrefix(text, "authtrip ") {
			calls = append(calls, text)
		}
	}
	for _, m := range regexp.MustCompile("`(authtrip [^`\n]*)`").FindAllStringSubmatch(doc.prose(), -1) {
		calls = append(calls, strings.Split(m[1], " | ")[0])
	}
	if doc.name == "docs/cli.md" {
		for _, m := range regexp.MustCompile("`(--[^`\n]*)`").FindAllStringSubmatch(doc.prose(), -1) {
			calls = append(calls, m[1])
		}
	}
	return calls
}

// declaredFlags are those of all of the command's parts, by their source: the
// command is another module's, and internal there.
func declaredFlags(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{"help": true, "h": true, "version": true}
	declares := regexp.MustCompile(`\.(?:[A-Z]\w*)?Var(P?)\([^,]+, "([a-z-]+)"(?:, "(\w)")?`)
	err := filepath.WalkDir(filepath.Join(root, "contrib/cli/internal"), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range declares.FindAllStringSubmatch(string(text), -1) {
			all[m[2]] = true
			if m[1] == "P" {
				all[m[3]] = true
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
