package harness

import (
	"errors"
	"os"
	"slices"
	"testing"
)

// two are scenarios of which one yields several rows, and fails in a case.
var two = []Scenario{
	{Name: "one", Cases: Cross("x"), Run: func(name string) ([]Row, error) { return One(Text("case", name)), nil }},
	{Name: "many", Run: func(name string) ([]Row, error) {
		if name == "b" {
			return nil, errors.New("no such thing")
		}
		return []Row{{"first", []Cell{N("run", int64(Run()))}}, {"second", []Cell{N("run", int64(Run()))}}}, nil
	}},
}

// TestMain is the program whose children are measured, too.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "-child" {
		Main(nil, two...)
	}
	os.Exit(m.Run())
}

func TestEachCaseRunsInAProcessOfItsOwn(t *testing.T) {
	t.Setenv("GORACE", "atexit_sleep_ms=0") // a child of the race detector's waits a second before it ends
	all := measure(two, []string{"a", "b"}, "", 3)
	if len(all) != 2 || len(all[0]) != 2 || len(all[1]) != 3 {
		t.Fatalf("%+v", all)
	}
	if got, _ := all[0][1].cell("case"); all[0][1].name != "b/x" || got.String() != "b/x" {
		t.Errorf("the second case of the first is %+v", all[0][1])
	}
	for i, want := range []string{"first", "second"} {
		got, _ := all[1][i].cell("run")
		if all[1][i].name != want || !slices.Equal(got.nums, []float64{0, 1, 2}) {
			t.Errorf("row %d is %+v", i, all[1][i])
		}
	}
	if got, _ := all[1][2].cell("error"); all[1][2].name != "b" || got.String() != "no such thing" {
		t.Errorf("what failed is %+v", all[1][2])
	}
}

func TestOnlyPicksCasesByTheirFullNames(t *testing.T) {
	t.Setenv("GORACE", "atexit_sleep_ms=0") // a child of the race detector's waits a second before it ends
	all := measure(two, []string{"a", "b"}, "many/a", 1)
	if len(all[0]) != 0 || len(all[1]) != 2 {
		t.Errorf("%+v", all)
	}
}
