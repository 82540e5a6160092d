package storetest_test

import (
	"path/filepath"
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/storetest"
)

// A test of yours, of a Store in a directory: its name and its t are those of
// any test.
func ExampleRun() {
	_ = func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "store")
		storetest.Run(t, func(*testing.T) authtrip.Store { return authtrip.NewFileStore(dir) })
	}
}
