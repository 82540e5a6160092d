package faultmatrix

import (
	"os"
	"strings"
	"testing"
)

// The document was made by the program as it is: each fault is in each table.
func TestTheDocumentHasEveryCell(t *testing.T) {
	b, err := os.ReadFile("../../docs/faults.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	if !strings.Contains(text, "Every cell is as the design says.") {
		t.Error("not every cell is as the design says")
	}
	for _, f := range faults(Full().After) {
		if n, want := strings.Count(text, "\n| "+f.Title+" |"), 1+len(ages); n != want {
			t.Errorf("%q is in %d tables, want %d", f.Title, n, want)
		}
	}
}

func TestADocumentOfABadRunSaysSo(t *testing.T) {
	s := Fast()
	var results []Result
	for _, c := range s.Cells() {
		results = append(results, Result{Cell: c, Work: work{Requests: 1000}, Served: 1000})
	}
	results[0].Damaged = 3
	var text strings.Builder
	if err := Document(&text, s, results); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Not as the design says", results[0].Cell.String() + ": 3 bodies were not whole", "| **3** |"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the document does not say %q", want)
		}
	}
}

// Each figure is checked: a run in which it is wrong is not as the design says.
func TestEachFigureIsChecked(t *testing.T) {
	cell := func(title string, a Age) Cell {
		for _, c := range Fast().Cells() {
			if c.Fault.Title == title && c.Age == a {
				return c
			}
		}
		t.Fatalf("no fault %q", title)
		return Cell{}
	}
	for name, c := range map[string]struct {
		cell  Cell
		good  Result
		spoil func(*Result)
		says  string
	}{
		"a failure with a good token": {cell("500", Fresh), Result{}, func(r *Result) { r.Work.Failed = 1 }, "requests failed"},
		"a success without a token":   {cell("500", Cold), outage(), func(r *Result) { r.Work.Failed-- }, "no good token"},
		"a request without a token":   {cell("500", Fresh), Result{}, func(r *Result) { r.Bare = 1 }, "no token"},
		"a body":                      {cell("500", Fresh), Result{}, func(r *Result) { r.Damaged = 1 }, "not whole"},
		"a call astray":               {cell("500", Fresh), Result{}, func(r *Result) { r.Strayed = 1 }, "another host"},
		"a secret":                    {cell("500", Fresh), Result{}, func(r *Result) { r.Said, r.Secrets = []string{"a s3cret-s3cret"}, []string{"s3cret-s3cret"} }, "secrets"},
		"a rejected token":            {cell("500", Stale), Result{Work: work{Attempts: 3}}, func(r *Result) { r.Rejected = 1 }, "bad token"},
		"a call too many":             {cell("500", Fresh), Result{}, func(r *Result) { r.Work.Attempts = 1 }, "token calls"},
		"a call below":                {cell("500", Cold), outage(), func(r *Result) { r.Calls = 7 }, "repeated below"},
		"a call beside the circuit":   {cell("500", Cold), outage(), func(r *Result) { r.Work.Attempts = 7 }, "token calls"},
		"no circuit":                  {cell("500", Cold), outage(), func(r *Result) { r.Work.Opened = 0 }, "closed after"},
		"a circuit for a refusal":     {cell("429", Cold), refused(), func(r *Result) { r.Work.Opened = 1 }, "opened"},
		"a probe too many":            {cell("500", Cold), outage(), func(r *Result) { r.Work.Probes, r.Work.Opened = 99, 99 }, "probes"},
		"a refusal that is forgotten": {cell("429", Cold), refused(), func(r *Result) { r.Work.Attempts = 9 }, "token calls"},
		"a long wait":                 {cell("500", Fresh), Result{}, func(r *Result) { r.Work.Longest = 4e9 }, "took"},
		"a slow recovery":             {cell("500", Fresh), Result{}, func(r *Result) { r.Recovered = 4e9 }, "after the fault"},
		"a goroutine":                 {cell("500", Fresh), Result{}, func(r *Result) { r.After.Goroutines = 1 }, "goroutines"},
		"a goroutine before Close":    {cell("500", Fresh), Result{}, func(r *Result) { r.Idle.Goroutines = 1 }, "idle"},
		"a file":                      {cell("500", Fresh), Result{}, func(r *Result) { r.After.OpenFiles = 1 }, "open files"},
		"a request that came twice":   {cell("500", Fresh), Result{}, func(r *Result) { r.Served++ }, "came twice"},
		"a body that is open":         {cell("500", Fresh), Result{}, func(r *Result) { r.BodiesOpen = 1 }, "not closed"},
		"a text that is not searched": {cell("500", Fresh), Result{}, func(r *Result) { r.Dropped = 1 }, "not searched"},
		"another fault":               {cell("500", Cold), outage(), func(r *Result) { r.Said = nil }, "no error says"},
		"a slow refusal":              {cell("500", Cold), outage(), func(r *Result) { r.Work.LongestOpen = 2e9 }, "open circuit"},
		"a failure afterwards":        {cell("500", Cold), outage(), func(r *Result) { r.Then.Failed = 1 }, "after the fault"},
		"the heap":                    {cell("500", Fresh), Result{}, func(r *Result) { r.After.HeapAlloc = 3 << 20 }, "heap"},
		"a reply in memory":           {cell("500", Fresh), Result{}, func(r *Result) { r.After.PeakRSS = 1 << 30 }, "process grew"},
	} {
		t.Run(name, func(t *testing.T) {
			r := c.good
			r.Cell = c.cell
			r.Work.Requests, r.Work.Took = 1000, c.cell.lasts()
			r.Served = r.Work.Requests - r.Work.Failed
			r.Said = append(r.Said, c.cell.Fault.Shows)
			if wrong := r.Check(); len(wrong) > 0 {
				t.Fatalf("the good run is wrong: %q", wrong)
			}
			c.spoil(&r)
			if wrong := strings.Join(r.Check(), "; "); !strings.Contains(wrong, c.says) {
				t.Errorf("it says %q, want something of %q", wrong, c.says)
			}
		})
	}
}

// outage is a good run without a token at a server that fails.
func outage() Result {
	return Result{Calls: 6, Work: work{Failed: 1000, Attempts: 6, Opened: 2, Probes: 1}}
}

// refused is one at a server that works and says no.
func refused() Result { return Result{Calls: 2, Work: work{Failed: 1000, Attempts: 2}} }
