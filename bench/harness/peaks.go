package harness

import (
	"runtime"
	"runtime/metrics"
	"time"
)

// Peaks are the most goroutines and bytes that were seen, to be read after
// Stop.
type Peaks struct {
	Goroutines   int
	Heap, Stacks float64
	stop, done   chan struct{}
}

// WatchPeaks starts sampling every interval.
func WatchPeaks(interval time.Duration) *Peaks {
	p := &Peaks{stop: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(p.done)
		t := time.NewTicker(interval)
		defer t.Stop()
		s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
		for {
			p.Goroutines = max(p.Goroutines, runtime.NumGoroutine())
			metrics.Read(s)
			p.Heap = max(p.Heap, float64(s[0].Value.Uint64()))
			p.Stacks = max(p.Stacks, float64(s[1].Value.Uint64()))
			select {
			case <-p.stop:
				return
			case <-t.C:
			}
		}
	}()
	return p
}

// Stop ends the sampling.
func (p *Peaks) Stop() {
	close(p.stop)
	<-p.done
}
