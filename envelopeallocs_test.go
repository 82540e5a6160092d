//go:build !race

package authtrip_test

import "testing"

// The race detector counts otherwise.
func TestTheLookIntoAnEnvelopeThatComesFirstIsOneAllocationOf320Bytes(t *testing.T) {
	for _, answer := range answers {
		var allocs, bytes [2]int64
		for i, with := range []bool{false, true} {
			send := envelopeCost(t, answer.text, with)
			allocs[i] = int64(testing.AllocsPerRun(1000, send))
			result := testing.Benchmark(func(b *testing.B) {
				b.ReportAllocs()
				for range b.N {
					send()
				}
			})
			bytes[i] = result.AllocedBytesPerOp()
		}
		if more := allocs[1] - allocs[0]; more > 1 {
			t.Errorf("%s: %d allocations more, want 1", answer.name, more)
		}
		if more := bytes[1] - bytes[0]; more > 320 {
			t.Errorf("%s: %d bytes more, want 320", answer.name, more)
		}
	}
}
