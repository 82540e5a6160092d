package harness

import (
	"slices"
	"sync"
	"time"
)

// Latencies gathers durations from many goroutines.
type Latencies struct {
	mu sync.Mutex
	d  []time.Duration // guarded by mu
}

// Add appends a batch.
func (l *Latencies) Add(batch ...time.Duration) {
	l.mu.Lock()
	l.d = append(l.d, batch...)
	l.mu.Unlock()
}

// Quantiles returns those asked for; 1 is the longest.
func (l *Latencies) Quantiles(qs ...float64) []time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	slices.Sort(l.d)
	out := make([]time.Duration, len(qs))
	for i, q := range qs {
		out[i] = Quantile(l.d, q)
	}
	return out
}

// Quantile is that of durations that are sorted; 1 is the longest. That of none
// is 0.
func Quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// Len is the number of samples.
func (l *Latencies) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.d)
}
