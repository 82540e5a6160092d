package main

import (
	"testing"
	"time"
)

func TestCallsThatAreClosestTogetherAreCounted(t *testing.T) {
	start := time.Now()
	var calls []time.Time
	for _, ms := range []int{0, 10, 20, 1000, 1100, 3000, 3100, 3899, 3901} {
		calls = append(calls, start.Add(time.Duration(ms)*time.Millisecond))
	}
	if got := mostWithin(calls, 3, 900*time.Millisecond); got != 3 {
		t.Errorf("%d calls within 0.9 s after the first three, want 3", got)
	}
	if got := mostWithin(calls, 20, 900*time.Millisecond); got != 0 {
		t.Errorf("%d calls after more than there were, want 0", got)
	}
}
