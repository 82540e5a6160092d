package authtrip

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/authtrip/authtrip/internal/clock"
)

// StepWallClock makes the wall clock, and not the monotonic one, go wrong by
// what the func it returns is given, until the test ends.
func StepWallClock(t *testing.T) (step func(time.Duration)) {
	var off atomic.Int64
	before := clock.Read
	clock.Read = func() (int64, int64) {
		mono, wall := before()
		return mono, wall + off.Load()
	}
	t.Cleanup(func() { clock.Read = before })
	return func(d time.Duration) {
		off.Store(int64(d))
		time.Sleep(time.Millisecond) // so long the wall clock need not be read
	}
}

// HooksOf are what a Manager that was given these has.
func HooksOf(all ...Hooks) Hooks {
	m := new(Manager)
	for _, h := range all {
		h.apply(m)
	}
	return m.hooks
}

// CountWaiters is how many contexts are kept for hooks.
func (s *Source) CountWaiters() (n int) {
	w := &s.client.manager.waiters
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.of {
		n += 1 + len(c.here) + len(c.left)
	}
	return n
}
