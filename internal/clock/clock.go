// Package clock is the one place where authtrip reads the time, so that tests
// and programs beside it can make a clock go wrong.
package clock

import "time"

// Read gives the time, by whose monotonic clock durations are measured, and the
// wall clock in nanoseconds since 1970. Who replaces it does so before the
// first Source is made.
var Read = func() (now time.Time, wall int64) {
	now = time.Now()
	return now, now.UnixNano()
}
