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
	clock.Read = func() (time.Time, int64) {
		now, wall := before()
		return now, wall + off.Load()
	}
	t.Cleanup(func() { clock.Read = before })
	return func(d time.Duration) { off.Store(int64(d)) }
}
