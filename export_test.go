package authtrip

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/authtrip/authtrip/internal/wallclock"
)

// StepWallClock makes the wall clock, and not the monotonic one, go wrong by
// what the func it returns is given, until the test ends.
func StepWallClock(t *testing.T) (step func(time.Duration)) {
	var off atomic.Int64
	before := wallclock.Read
	wallclock.Read = func(at time.Time) int64 { return at.UnixNano() + off.Load() }
	t.Cleanup(func() { wallclock.Read = before })
	return func(d time.Duration) { off.Store(int64(d)) }
}
