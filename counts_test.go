package authtrip

import (
	"sync"
	"testing"
)

// A hundred thousand clients that made one call each share what says so, and
// none of them writes to it.
func TestCountsOfOneCallAreShared(t *testing.T) {
	one, two, never := new(client), new(client), new(client)
	issued := TokenCall{Outcome: "issued", Attempts: 1}
	one.countCall(issued, false)
	two.countCall(issued, false)
	if one.rare.Load() != oneCall || two.rare.Load() != oneCall {
		t.Fatal("they are not shared")
	}
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() { two.countCall(TokenCall{Outcome: "failed", Attempts: 3}, true) })
		wg.Go(func() { two.counted().rejections.Add(1) })
		wg.Go(func() { never.countCall(issued, false) })
	}
	wg.Wait()
	for name, c := range map[string]struct {
		of                          *counts
		calls, failures, rejections uint64
	}{
		"one":   {&one.rare.Load().counts, 1, 0, 0},
		"two":   {&two.rare.Load().counts, 101, 100, 100},
		"never": {&never.rare.Load().counts, 100, 0, 0},
	} {
		if n := c.of; n.tokenCalls.Load() != c.calls || n.failures.Load() != c.failures || n.rejections.Load() != c.rejections {
			t.Errorf("%s: %d calls, %d failures, %d rejections; want %+v", name, n.tokenCalls.Load(), n.failures.Load(), n.rejections.Load(), c)
		}
	}
}

func TestAScopedClientCountsForTheWhole(t *testing.T) {
	c := new(client)
	scoped := c.scopedTo([]string{"a"})
	scoped.countCall(TokenCall{Outcome: "issued", Attempts: 1}, false)
	scoped.countCall(TokenCall{Outcome: "stored"}, false)
	scoped.countCall(TokenCall{Outcome: "circuit open"}, true)
	if n := &c.rare.Load().counts; n.tokenCalls.Load() != 1 || n.stored.Load() != 1 || n.failures.Load() != 0 || scoped.scoped() == nil || c.scoped() != nil {
		t.Errorf("%d calls, %d stored", n.tokenCalls.Load(), n.stored.Load())
	}
}
