// Package clock is the one place where authtrip reads the time, so that tests
// and programs beside it can make a clock go wrong.
package clock

import "time"

// zero is so long ago that every reading is above zero, even in a
// testing/synctest bubble, where it is the year 2000.
var zero = time.Now().Add(-40 * 365 * 24 * time.Hour)

// Read gives both clocks in nanoseconds: the monotonic one, which stops while a
// machine sleeps, from some time long ago, and the wall clock, which can be set,
// from 1970. Who replaces it or Monotonic does so before the first Source is
// made.
var Read = func() (monotonic, wall int64) {
	now := time.Now()
	return int64(now.Sub(zero)), now.UnixNano()
}

// Monotonic gives the monotonic clock alone, as Read does, in half the time.
var Monotonic = func() int64 { return int64(time.Since(zero)) }
