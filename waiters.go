package authtrip

import (
	"context"
	"sync"
)

// waiters are the contexts of the requests that wait for flights, for the hook
// that is told of them; without one nobody is noted.
type waiters struct {
	mu sync.Mutex
	of map[*entry]map[*waiter]struct{} // guarded by mu; nil: there is no hook
}

type waiter struct{ ctx context.Context }

// add notes who waits for e's flight, which begins later, or is not over.
func (w *waiters) add(e *entry, ctx context.Context) *waiter {
	if w.of == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.of[e] == nil {
		w.of[e] = map[*waiter]struct{}{}
	}
	who := &waiter{ctx}
	w.of[e][who] = struct{}{}
	return who
}

// remove forgets one that has what it waited for. It came after the flight had
// told its hook, or it is not here any more.
func (w *waiters) remove(e *entry, who *waiter) {
	if who == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if delete(w.of[e], who); len(w.of[e]) == 0 {
		delete(w.of, e)
	}
}

// take returns those that wait for e's flight, or did and left, and forgets them.
func (w *waiters) take(e *entry) []context.Context {
	if w.of == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []context.Context
	for who := range w.of[e] {
		all = append(all, who.ctx)
	}
	delete(w.of, e)
	return all
}
