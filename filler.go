package authtrip

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// filler is what it takes to read ahead on another goroutine and to wait for
// it. The goroutine has it to itself until the ahead is filled; then it is used
// again, for to make one takes longer than most fillings. It is also where the
// search is: on its stack, that would have to grow.
type filler struct {
	a      *ahead
	search search // of no rule: the head start is to be read
	zipped bool

	start func()        // run, which is an allocation
	wake  chan struct{} // says: look how it stands
	timer *time.Timer   // wakes after a while
}

func newFiller() *filler {
	f := &filler{wake: make(chan struct{}, 1)}
	f.start = f.run
	return f
}

func (f *filler) run() {
	a, found := f.a, findingNone
	defer func() {
		var err error
		if p := recover(); p != nil { // nobody could, on this goroutine
			err = fmt.Errorf("authtrip: panic (%T) in the response body's Read", p)
		}
		f.a = nil
		a.filled(found, err)
	}()
	switch {
	case f.search.rule == nil:
		var text []byte
		for err := error(nil); err == nil; {
			text, err = a.more(text, headStart)
		}
	case f.zipped:
		found = f.search.unzip(a)
	default:
		found = f.search.look(func(text []byte) ([]byte, error) { return a.more(text, envelopeLimit) })
	}
}

// filled ends the filling.
func (a *ahead) filled(found finding, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.found, a.filling = found, false
	if err != nil {
		a.err = err
	}
	if a.wake != nil {
		wake(a.wake)
	}
	if a.done != nil {
		close(a.done)
	}
}

// wake may be late, and meet the next who waits: it looks, and waits on.
func wake(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

var fillers sync.Pool // of *filler

// inBubble reports whether now is the time of a bubble of package
// testing/synctest, which has no monotonic reading. What is made in one may not
// be used outside, so it is not used again.
func inBubble(now time.Time) bool { return now == now.Round(0) }

// find starts a filling and waits for what it finds: for that long at most, and
// until ctx ends. An error says why it is not known; the filling then ends with
// the Read under way.
func (a *ahead) find(ctx context.Context, rule *envelopeRule, zipped bool, within time.Duration) (finding, error) {
	start := time.Now()
	var f *filler
	if !inBubble(start) {
		f, _ = fillers.Get().(*filler)
	}
	if f == nil {
		f = newFiller()
	}
	f.a, f.zipped = a, zipped
	f.search.begin(rule)
	a.filling, a.wake = true, f.wake
	if f.timer == nil {
		f.timer = time.AfterFunc(within, func() { wake(f.wake) })
	} else {
		f.timer.Reset(within)
	}
	go f.start()
	found, why := a.await(ctx, f.wake, start, within)
	f.timer.Stop()
	if why == nil && !inBubble(start) { // else f is left to the goroutine
		fillers.Put(f)
	}
	return found, why
}

// await returns what was found, or why nobody waits for it any longer.
func (a *ahead) await(ctx context.Context, wake <-chan struct{}, start time.Time, within time.Duration) (finding, error) {
	for {
		var why error
		select {
		case <-wake:
		case <-ctx.Done():
			why = fmt.Errorf("%w: the request's context ended", errUndecided)
		}
		if found, ok := a.known(); ok {
			return found, nil
		}
		if why == nil && time.Since(start) >= within {
			why = fmt.Errorf("%w: it had not come within %v", errUndecided, within)
		}
		if why != nil {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.wake, a.enough = nil, true
			return findingNone, why
		}
	}
}

func (a *ahead) known() (_ finding, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.found, !a.filling
}
