// Package wallclock is the one place where authtrip reads the wall clock, so
// that tests can make it go wrong, which the monotonic clock cannot.
package wallclock

import "time"

// Read is the wall clock at t, in nanoseconds since 1970. Who replaces it does
// so before the first Source is made.
var Read = func(t time.Time) int64 { return t.UnixNano() }
