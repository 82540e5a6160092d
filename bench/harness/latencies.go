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
	if len(l.d) == 0 {
		return out
	}
	for i, q := range qs {
		out[i] = l.d[min(int(q*float64(len(l.d))), len(l.d)-1)]
	}
	return out
}

// Len is the number of samples.
func (l *Latencies) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.d)
}
