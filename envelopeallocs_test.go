//go:build !race

package authtrip_test

import (
	"runtime"
	"testing"
)

// The race detector counts otherwise.
func TestTheLookIntoAnEnvelopeThatComesFirstIsOneAllocationOf320Bytes(t *testing.T) {
	for _, answer := range answers {
		var allocs, bytes [2]int64
		for i, with := range []bool{false, true} {
			send := envelopeCost(t, answer.text, with)
			allocs[i] = int64(testing.AllocsPerRun(1000, send))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for range 10_000 {
				send()
			}
			runtime.ReadMemStats(&after)
			bytes[i] = int64(after.TotalAlloc-before.TotalAlloc) / 10_000
		}
		if more := allocs[1] - allocs[0]; more > 1 {
			t.Errorf("%s: %d allocations more, want 1", answer.name, more)
		}
		if more := bytes[1] - bytes[0]; more > 320+8 { // what the collector took from pools is made anew
			t.Errorf("%s: %d bytes more, want 320", answer.name, more)
		}
	}
}
