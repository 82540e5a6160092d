package command_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// thisFile is read by every test that reads a document. The go command keeps the
// results of tests and looks, to see whether they still hold, only at files of
// the module; documents are not of it. For a file that was read, and changed in
// the last two seconds, it keeps none: TestMain does that.
func thisFile() string {
	_, file, _, _ := runtime.Caller(0)
	return file
}

// readDocument returns where a document of the repository is, and its text.
func readDocument(t *testing.T, name string) (path, text string) {
	t.Helper()
	path = filepath.Join(filepath.Dir(thisFile()), "..", "..", "..", "..", name)
	for _, file := range []string{thisFile(), path} {
		all, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text = string(all)
	}
	return path, text
}

// keepNoResults is for the end of all tests.
func keepNoResults() {
	now := time.Now()
	_ = os.Chtimes(thisFile(), now, now) // one that cannot be written is in a cache of modules, whose documents stay as they are
}
