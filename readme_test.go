package authtrip_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What the README names as proof must be there.
func TestTheREADMEsProofsExist(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var tests strings.Builder
	err = filepath.WalkDir(".", func(path string, _ os.DirEntry, err error) error {
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
	names := regexp.MustCompile("`((Test|Example)[A-Za-z0-9_]+)`").FindAllStringSubmatch(string(readme), -1)
	if len(names) < 10 {
		t.Fatalf("the README names %d tests; is its table gone?", len(names))
	}
	for _, n := range names {
		if !strings.Contains(tests.String(), "func "+n[1]+"(") {
			t.Errorf("the README names %s, which is not there", n[1])
		}
	}
	for _, dir := range regexp.MustCompile("`(?:go run \\./)?(examples/[a-z]+)`").FindAllStringSubmatch(string(readme), -1) {
		if _, err := os.Stat(filepath.Join(dir[1], "main.go")); err != nil {
			t.Errorf("the README names %s: %v", dir[1], err)
		}
	}
}
