package authtrip

import (
	"cmp"
	"context"
	"slices"
	"sync"
)

// waiters are the contexts of the requests that wait for flights, for the hook
// that is told of them; without one nobody is noted.
type waiters struct {
	mu   sync.Mutex
	of   map[*entry]*crowd // guarded by mu; nil: there is no hook
	came uint64            // guarded by mu; how many did so far
}

// crowd waits for one entry's flight. Who is here removes itself when it goes, so
// that nobody is kept for ever; who goes without a token is kept until the flight
// ends, if there is one.
type crowd struct {
	here map[*waiter]struct{}
	left []*waiter
	airs bool // a flight is under way that has not told its hook
}

type waiter struct {
	ctx  context.Context
	came uint64
	told bool // a flight's hook was told of it
}

// at runs f with e's crowd, which is forgotten when there is nothing to know of
// it.
func (w *waiters) at(e *entry, f func(*crowd)) {
	if w.of == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.of[e]
	if c == nil {
		c = &crowd{here: map[*waiter]struct{}{}}
		w.of[e] = c
	}
	f(c)
	if len(c.here) == 0 && !c.airs {
		delete(w.of, e)
	}
}

// add notes who waits for e's flight, which begins later or is under way. Whoever
// is added is removed.
func (w *waiters) add(e *entry, ctx context.Context) (who *waiter) {
	w.at(e, func(c *crowd) {
		w.came++
		who = &waiter{ctx: ctx, came: w.came}
		c.here[who] = struct{}{}
	})
	return who
}

// remove forgets who goes, with what it waited for or without.
func (w *waiters) remove(e *entry, who *waiter) {
	if who == nil {
		return
	}
	w.at(e, func(c *crowd) {
		delete(c.here, who)
		if c.airs && !who.told {
			c.left = append(c.left, who)
		}
	})
}

// begin notes that a flight begins, which take ends.
func (w *waiters) begin(e *entry) { w.at(e, func(c *crowd) { c.airs = true }) }

// take returns those that wait for e's flight, or did and left, in the order they
// came.
func (w *waiters) take(e *entry) (all []context.Context) {
	w.at(e, func(c *crowd) {
		who := c.left
		for one := range c.here {
			if !one.told {
				who = append(who, one)
			}
		}
		slices.SortFunc(who, func(a, b *waiter) int { return cmp.Compare(a.came, b.came) })
		for _, one := range who {
			one.told = true
			all = append(all, one.ctx)
		}
		c.left, c.airs = nil, false
	})
	return all
}
