package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// rounds is what go test -bench wrote in two of them.
const rounds = `goos: linux
pkg: github.com/authtrip/authtrip/bench/hot
BenchmarkSerial/min-mapclone         	  10	       400 ns/op	     720 B/op	       3 allocs/op
BenchmarkSerial/authtrip             	  10	       420 ns/op	     720 B/op	       3 allocs/op
BenchmarkSerial/authtrip-nhn         	  10	       600 ns/op	     848 B/op	       4 allocs/op
BenchmarkSerial/x-oauth2             	  10	      1000 ns/op	    2096 B/op	       7 allocs/op
BenchmarkSerial/aws-credscache       	  10	       900 ns/op	    1952 B/op	       7 allocs/op
BenchmarkLookup/min-atomic           	  10	        40 ns/op	       0 B/op	       0 allocs/op
BenchmarkLookup/authtrip             	  10	        40 ns/op	       0 B/op	       0 allocs/op
BenchmarkLookup/min-atomic-2         	  10	        20 ns/op	       0 B/op	       0 allocs/op
BenchmarkLookup/authtrip-2           	  10	        44 ns/op	       0 B/op	       0 allocs/op
BenchmarkEnvelope/200B/authtrip-nhn-no-envelope-2	  10	       900 ns/op	     880 B/op	       5 allocs/op
BenchmarkEnvelope/200B/authtrip-nhn-2	  10	      1100 ns/op	    1136 B/op	       6 allocs/op
PASS
BenchmarkSerial/min-mapclone         	  10	       400 ns/op	     720 B/op	       3 allocs/op
BenchmarkSerial/authtrip             	  10	       460 ns/op	     720 B/op	       3 allocs/op
`

func tablesOf(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.txt"), filepath.Join(dir, "out.md")
	if err := os.WriteFile(in, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{in}, out); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

func TestTablesHaveMediansAndRatios(t *testing.T) {
	got := tablesOf(t, rounds)
	for _, want := range []string{
		"medians of 2 rounds",
		"### Serial, 1 core\n",
		"| peer | ns/op | B/op | allocs/op | of floor | of best peer |",
		"| min-mapclone (floor) | 400 | 720 | 3 | 1.00 | 0.44 |",
		"| authtrip | 440 | 720 | 3 | 1.10 | 0.49 |",
		"| x-oauth2 | 1000 | 2096 | 7 | 2.50 | 1.11 |",
		"### Lookup, 2 cores\n",
		"### Envelope 200B, 2 cores\n",
		"| authtrip-nhn | 1100 | 1136 | 6 | 1.22 |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestGoalsAreJudgedByTheRatiosOfMedians(t *testing.T) {
	got := tablesOf(t, rounds)
	for _, want := range []string{
		"- authtrip, of floor: goal: ≤ 1.10: met (1.10)",
		"- authtrip-nhn, allocs/op: goal: ≤ 3: MISSED (4)",
		"- authtrip-nhn, B/op: goal: ≤ 720: MISSED (848)",
		"- authtrip-nhn, of floor: goal: ≤ 1.10: MISSED (1.50)",
		"- authtrip, of floor: goal: ≤ 1.25: MISSED (2.20)",
		"- authtrip, of 1 core: goal: ≤ 1: MISSED (1.10)",
		"- authtrip-nhn, more allocs/op: goal: ≤ 1: met (1)",
		"- authtrip-nhn, more B/op: goal: ≤ 320: met (256)",
		"- authtrip-nhn, more ns/op: goal: ≤ 300: met (200)",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestWhatCannotBeReadIsSaid(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty.txt")
	if err := os.WriteFile(empty, []byte("PASS\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, paths := range map[string][]string{
		"no file": nil, "a file that is not there": {filepath.Join(dir, "none.txt")}, "no results": {empty},
	} {
		if err := run(paths, ""); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
