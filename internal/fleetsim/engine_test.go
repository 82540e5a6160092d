package fleetsim

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/authtrip/authtrip"
)

// engine is what a Store of the fleet is kept in.
type engine struct {
	away time.Duration // the way there and back
	busy time.Duration // one operation keeps the next one waiting for so long

	mu      sync.Mutex
	records authtrip.Store              // guarded by mu
	trouble func(context.Context) error // guarded by mu; nil: none
	free    time.Time                   // guarded by mu; when all that came before is done
	began   time.Time                   // guarded by mu; what follows is counted from then
	counts  storeCounts                 // guarded by mu
	seconds map[int]int                 // guarded by mu; operations by the second
}

type storeCounts struct{ loads, saves, deletes int }

func (c storeCounts) total() int { return c.loads + c.saves + c.deletes }

func newEngine(away, busy time.Duration) *engine {
	return &engine{away: away, busy: busy, records: authtrip.NewMemoryStore(0), seconds: map[int]int{}}
}

// breakDown makes every operation end as trouble does; nil mends it.
func (e *engine) breakDown(trouble func(context.Context) error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.trouble = trouble
}

// empty loses all records.
func (e *engine) empty() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.records = authtrip.NewMemoryStore(0)
}

// restart counts from now on, and returns what was counted, with the most of any
// second.
func (e *engine) restart() (c storeCounts, peak int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, n := range e.seconds {
		peak = max(peak, n)
	}
	c = e.counts
	e.counts, e.seconds, e.began = storeCounts{}, map[int]int{}, time.Now()
	return c, peak
}

// operation is one, as far as the records. An engine does what it was sent,
// though nobody waits for it any more.
func (e *engine) operation(ctx context.Context, kind func(*storeCounts) *int) (authtrip.Store, error) {
	e.mu.Lock()
	now := time.Now()
	*kind(&e.counts)++
	e.seconds[int(now.Sub(e.began)/time.Second)]++
	trouble, records := e.trouble, e.records
	if e.free.Before(now) {
		e.free = now
	}
	e.free = e.free.Add(e.busy)
	wait := e.free.Sub(now) + e.away
	e.mu.Unlock()
	if trouble != nil {
		return nil, trouble(ctx)
	}
	return records, sleep(ctx, wait)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// handle is one process's way to the engine.
type handle struct {
	*engine
	operations atomic.Int64
}

var _ authtrip.Store = (*handle)(nil)

func (h *handle) Load(ctx context.Context, key string) ([]byte, string, error) {
	h.operations.Add(1)
	records, err := h.operation(ctx, func(c *storeCounts) *int { return &c.loads })
	if err != nil {
		return nil, "", err
	}
	return records.Load(ctx, key)
}

func (h *handle) Save(ctx context.Context, key string, value []byte, version string, lifetime time.Duration) (string, error) {
	h.operations.Add(1)
	records, err := h.operation(ctx, func(c *storeCounts) *int { return &c.saves })
	if err != nil {
		return "", err
	}
	return records.Save(ctx, key, value, version, lifetime)
}

func (h *handle) Delete(ctx context.Context, key, version string) error {
	h.operations.Add(1)
	records, err := h.operation(ctx, func(c *storeCounts) *int { return &c.deletes })
	if err != nil {
		return err
	}
	return records.Delete(ctx, key, version)
}
