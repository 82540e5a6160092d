package authtrip_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What the README and the threat model name as proof must be there.
func TestTheDocumentsProofsExist(t *testing.T) {
	var text string
	for _, name := range []string{"README.md", "SECURITY.md"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text += string(b)
	}
	var tests strings.Builder
	err := filepath.WalkDir(".", func(path string, _ os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, "_test.go") {
			b, readErr := os.ReadFile(path)
			tests.Write(b)
			return readErr
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile("`((Test|Example|Fuzz)[A-Za-z0-9_]+)`").FindAllStringSubmatch(text, -1)
	if len(names) < 50 {
		t.Fatalf("the documents name %d tests; are their tables gone?", len(names))
	}
	for _, n := range names {
		if !strings.Contains(tests.String(), "func "+n[1]+"(") {
			t.Errorf("the documents name %s, which is not there", n[1])
		}
	}
	for _, dir := range regexp.MustCompile("`(?:go run \\./)?(examples/[a-z]+)`").FindAllStringSubmatch(text, -1) {
		if _, err := os.Stat(filepath.Join(dir[1], "main.go")); err != nil {
			t.Errorf("the documents name %s: %v", dir[1], err)
		}
	}
}
