package authtrip

import (
	"sync/atomic"
	"testing"
	"time"
)

// StepWallClock makes the wall clock, and not the monotonic one, go wrong by
// what the func it returns is given, until the test ends.
func StepWallClock(t *testing.T) (step func(time.Duration)) {
	var off atomic.Int64
	before := wallClock
	wallClock = func(at time.Time) int64 { return at.UnixNano() + off.Load() }
	t.Cleanup(func() { wallClock = before })
	return func(d time.Duration) { off.Store(int64(d)) }
}
