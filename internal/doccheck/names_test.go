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

// Given every test, example and fuzz target that a document names, then it is
// there.
func TestTheProofsThatDocumentsNameExist(t *testing.T) {
	code := testCode(t)
	named := regexp.MustCompile("`((Test|Example|Fuzz)[A-Za-z0-9_]+)`")
	count := 0
	for _, doc := range documents(t) {
		for _, m := range named.FindAllStringSubmatch(doc.prose(), -1) {
			count++
			if !strings.Contains(code, "func "+m[1]+"(") {
				t.Errorf("%s names %s, which is not there", doc.name, m[1])
			}
		}
	}
	if count < 100 {
		t.Errorf("the documents name %d tests; are their tables gone?", count)
	}
}

// Given every directory that a document names as `contrib/config` is, then it
// is there.
func TestTheDirectoriesThatDocumentsNameExist(t *testing.T) {
	named := regexp.MustCompile("`((?:examples|contrib|internal|scripts|docs|bench|nhn|prism|middleware|authtest|storetest)/[A-Za-z0-9_./-]*)`")
	for _, doc := range documents(t) {
		for _, m := range named.FindAllStringSubmatch(doc.prose(), -1) {
			if _, err := os.Stat(root + "/" + m[1]); err != nil && !slices.Contains(awaited, m[1]) {
				t.Errorf("%s names %s, which is not there", doc.name, m[1])
			}
		}
	}
}

// testCode is all files of tests, one after the other.
func testCode(t *testing.T) string {
	t.Helper()
	var code strings.Builder
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		code.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return code.String()
}
