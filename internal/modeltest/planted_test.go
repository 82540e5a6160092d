package modeltest_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var (
	plant     = flag.Bool("planted", false, "plant each bug of planted/bugs.txt in a copy of the library, and see that the model finds it")
	plantOnly = flag.String("planted.only", "", "plant only bugs whose name has this in it")
)

// bug is a fault to plant.
type bug struct {
	name  string
	edits []edit
}

// edit is one change of a file.
type edit struct{ file, old, new string }

// plantedBugs reads planted/bugs.txt.
func plantedBugs(t *testing.T) (bugs []bug) {
	text, err := os.ReadFile("planted/bugs.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range strings.Split(string(text), "\n=== ")[1:] {
		name, rest, _ := strings.Cut(part, "\n")
		b := bug{name: name}
		for _, place := range strings.Split("\n"+rest, "\n--- ")[1:] {
			file, change, _ := strings.Cut(place, "\n")
			old, replacement, ok := strings.Cut(change, "\n+++\n")
			if !ok {
				t.Fatalf("%s: there is no +++", name)
			}
			b.edits = append(b.edits, edit{file, old, strings.TrimRight(replacement, "\n")})
		}
		bugs = append(bugs, b)
	}
	return bugs
}

// apply plants b in the library at root.
func (b bug) apply(root string, write bool) error {
	if len(b.edits) == 0 {
		return fmt.Errorf("%s: it changes nothing", b.name)
	}
	for _, e := range b.edits {
		path := filepath.Join(root, e.file)
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if n := strings.Count(string(text), e.old); n != 1 {
			return fmt.Errorf("%s: %s has it %d times and not once:\n%s", b.name, e.file, n, e.old)
		}
		if !write {
			continue
		}
		if err := os.WriteFile(path, []byte(strings.Replace(string(text), e.old, e.new, 1)), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// TestPlantedBugsFitTheLibrary keeps the list from growing old unseen.
func TestPlantedBugsFitTheLibrary(t *testing.T) {
	bugs := plantedBugs(t)
	if len(bugs) < 20 {
		t.Errorf("there are %d bugs only", len(bugs))
	}
	for _, b := range bugs {
		if err := b.apply("../..", false); err != nil {
			t.Error(err)
		}
	}
}

// TestPlantedBugsAreFound takes some ten seconds for each. Most are found within a hundred
// schedules; some need thousands.
func TestPlantedBugsAreFound(t *testing.T) {
	if !*plant {
		t.Skip("set -planted")
	}
	found, all := 0, 0
	for _, b := range plantedBugs(t) {
		if !strings.Contains(b.name, *plantOnly) {
			continue
		}
		all++
		started := time.Now()
		how, ok := b.find(t)
		t.Logf("%-70s %s (%.0f s)", b.name, how, time.Since(started).Seconds())
		if !ok {
			t.Errorf("%s: not found", b.name)
			continue
		}
		found++
	}
	t.Logf("%d of %d planted bugs were found", found, all)
}

var foundIn = regexp.MustCompile(`found in schedule (\d+): [^:]*: ([^:\n]*)`)

// find runs the model against a copy of the library with b in it.
func (b bug) find(t *testing.T) (how string, ok bool) {
	root := t.TempDir()
	copyLibrary(t, root)
	if err := b.apply(root, true); err != nil {
		return err.Error(), false
	}
	dir := filepath.Join(root, "internal", "modeltest")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-vet=off", "-ldflags=-s -w", "-o", "model.test", ".")
	build.Dir, build.Env = dir, append(os.Environ(), "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Sprintf("does not build:\n%s", out), false
	}
	run := exec.CommandContext(t.Context(), filepath.Join(dir, "model.test"), "-test.run=TestEverySchedule", "-test.v", "-rapid.nofailfile", "-rapid.shrinktime=1ms", "-rapid.checks=6000")
	run.Dir = dir
	out, err := run.CombinedOutput()
	switch hit := foundIn.FindSubmatch(out); {
	case err == nil:
		return "NOT FOUND", false
	case hit != nil:
		return fmt.Sprintf("found in schedule %s: %s", hit[1], hit[2]), true
	}
	// A panic of the bubble's goroutines, which nothing can catch, ends the test.
	first := firstLine(out, "panic:", "fatal error:")
	return "ended the test: " + first, strings.HasPrefix(first, "panic: deadlock") || strings.HasPrefix(first, "panic: a schedule has not ended")
}

func firstLine(out []byte, marks ...string) string {
	for line := range strings.SplitSeq(string(out), "\n") {
		for _, m := range marks {
			if strings.HasPrefix(line, m) {
				return line
			}
		}
	}
	return string(out[:min(len(out), 300)])
}

// copyLibrary copies the Go files that the model needs.
func copyLibrary(t *testing.T, to string) {
	for _, dir := range []string{".", "nhn", "authtest", "prism", "internal/clock", "internal/modeltest"} {
		entries, err := os.ReadDir(filepath.Join("../..", dir))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(to, dir), 0o700); err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			name := e.Name()
			test := strings.HasSuffix(name, "_test.go") && dir != "internal/modeltest"
			if e.IsDir() || test || !strings.HasSuffix(name, ".go") && name != "go.mod" && name != "go.sum" {
				continue
			}
			text, err := os.ReadFile(filepath.Join("../..", dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(to, dir, name), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}
