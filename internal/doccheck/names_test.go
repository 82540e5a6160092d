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
	if count < 90 {
		t.Errorf("the documents name %d tests; are their tables gone?", count)
	}
}

// Given every directory that a document names as `contrib/config` is, then it
// is there.
func TestTheDirectoriesThatDocumentsNameExist(t *testing.T) {
	named := regexp.MustCompile("`((?:examples|contrib|internal|scripts|docs|bench|nhn|prism|middleware|authtest|storetest)/[A-Za-z0-9_./-]*)`")
	for _, doc := range documents(t) {
		for _, m := range named.FindAllStringSubmatch(doc.prose(), -1) {
			if _, err := os.Stat(root + "/" + m[1]); err != nil {
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

// packages are where the names are that documents write with a package before
// them.
var packages = map[string]string{
	"authtrip": ".", "nhn": "nhn", "prism": "prism", "authtest": "authtest", "middleware": "middleware",
	"storetest": "storetest", "authgrpc": "contrib/grpc", "authotel": "contrib/otel", "config": "contrib/config", "pgstore": "contrib/pgstore",
	"redisstore": "contrib/redisstore", "restyv3": "contrib/restyv3", "xoauth2": "contrib/xoauth2",
}

// types are those whose fields and methods documents name with the type before.
var types = []string{"Registration", "Policy", "Hooks", "Transport", "Encryption", "Source", "Manager"}

// Given every name of a package in a document's text, such as `nhn.NewSource`,
// or of a type, such as `Policy.FetchTimeout`, then it is declared there.
func TestTheNamesThatDocumentsUseExist(t *testing.T) {
	code := map[string]string{}
	for name, dir := range packages {
		code[name] = packageCode(t, dir)
	}
	inText := regexp.MustCompile("`[^`\n]+`")
	qualified := regexp.MustCompile(`\b([a-z][a-z0-9]+)\.([A-Z]\w+)`)
	member := regexp.MustCompile(`\b([A-Z]\w+)[.{]([A-Z]\w+)`)
	count := 0
	for _, doc := range documents(t) {
		for _, text := range inText.FindAllString(doc.prose(), -1) {
			for _, m := range qualified.FindAllStringSubmatch(text, -1) {
				if source, ok := code[m[1]]; ok {
					count++
					if !regexp.MustCompile(`(?m)^(?:\t|func (?:\([^)]*\) )?|type |var |const )` + m[2] + `\b`).MatchString(source) {
						t.Errorf("%s names %s.%s, which is not there", doc.name, m[1], m[2])
					}
				}
			}
			for _, m := range member.FindAllStringSubmatch(text, -1) {
				if slices.Contains(types, m[1]) && !strings.Contains(text, "config."+m[1]) {
					count++
					if !regexp.MustCompile(`(?m)^(?:\t(?:\w+, )*|func \([^)]*` + m[1] + `\) )` + m[2] + `\b`).MatchString(code["authtrip"]) {
						t.Errorf("%s names %s.%s, which is not there", doc.name, m[1], m[2])
					}
				}
			}
		}
	}
	if count < 100 {
		t.Errorf("the documents have %d names; are they still found?", count)
	}
}

// packageCode is a package's files that are no tests.
func packageCode(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var code strings.Builder
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		code.Write(text)
	}
	return code.String()
}
