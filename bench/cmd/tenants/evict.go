package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
	"weak"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/bench/crowd"
	"github.com/authtrip/authtrip/bench/fake"
	"github.com/authtrip/authtrip/bench/harness"
)

const (
	evictWorkers = 200
	evictFor     = 4 * time.Second
)

// An eviction is a case of more principals than there is room for.
type eviction struct {
	name      string
	limit, of int
	period    time.Duration // between requests of a worker; 0: none
}

var allEvictions = []eviction{
	{name: "1,000 of 20,000, 4,000 a second", limit: 1_000, of: 20_000, period: 50 * time.Millisecond},
	{name: "1,000 of 20,000, flat out", limit: 1_000, of: 20_000},
	{name: "50,000 of 200,000, 4,000 a second", limit: 50_000, of: 200_000, period: 50 * time.Millisecond},
	{name: "1,000 of 1,000, 4,000 a second", limit: 1_000, of: 1_000, period: 50 * time.Millisecond}, // none goes: for comparison
}

func evictions([]string) []string {
	var names []string
	for _, e := range allEvictions {
		names = append(names, e.name)
	}
	return names
}

// witness is the API. It keeps a weak pointer to every header value that it
// was sent, which a Manager makes once for each token: what is reachable still
// is a token that is kept.
type witness struct {
	mu   sync.Mutex
	seen map[weak.Pointer[byte]]struct{} // guarded by mu
}

var accepted = &http.Response{
	StatusCode: 200, Status: "200 OK", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	Header: http.Header{}, Body: http.NoBody,
}

func (w *witness) RoundTrip(r *http.Request) (*http.Response, error) {
	value := r.Header["Authorization"]
	if len(value) != 1 || !strings.HasPrefix(value[0], "Bearer ") {
		return nil, errors.New("a request without a token")
	}
	p := weak.Make(unsafe.StringData(value[0]))
	w.mu.Lock()
	w.seen[p] = struct{}{}
	w.mu.Unlock()
	return accepted, nil
}

// live counts the tokens that are kept. No request is under way meanwhile.
func (w *witness) live() int {
	runtime.GC()
	w.mu.Lock()
	defer w.mu.Unlock()
	for p := range w.seen {
		if p.Value() == nil {
			delete(w.seen, p)
		}
	}
	return len(w.seen)
}

func evict(name string) ([]harness.Row, error) {
	for _, e := range allEvictions {
		if e.name == name {
			return e.run()
		}
	}
	return nil, errors.New("no such case")
}

func (e eviction) run() ([]harness.Row, error) {
	tokens, api := &crowd.Issuer{}, &witness{seen: map[weak.Pointer[byte]]struct{}{}}
	c, err := crowd.New(crowd.Principals, e.of, tokens, authtrip.Policy{MaxTokens: e.limit})
	if err != nil {
		return nil, err
	}
	rt := &authtrip.Transport{Source: c.Manager, Base: api}
	contexts := make([]context.Context, e.of)
	for i := range contexts {
		contexts[i] = c.Context(crowd.Name(i))
	}
	plain := fake.Request(fake.URL)
	for i := range e.limit { // as many as there is room for
		if err := crowd.Send(rt, plain.WithContext(contexts[i])); err != nil {
			return nil, err
		}
	}
	before := tokens.Issued()
	var (
		gate     sync.RWMutex // held for reading by requests, so that they can be stopped
		failed   atomic.Int64
		lat      harness.Latencies
		workers  sync.WaitGroup
		start    = time.Now()
		deadline = start.Add(evictFor)
	)
	for w := range evictWorkers {
		workers.Go(func() {
			var mine []time.Duration
			random := rand.New(rand.NewPCG(uint64(w), 1))
			for k := 0; time.Now().Before(deadline); k++ {
				if e.period > 0 {
					time.Sleep(time.Until(start.Add(e.period*time.Duration(w)/evictWorkers + time.Duration(k)*e.period)))
				}
				req := plain.WithContext(contexts[random.IntN(e.of)])
				gate.RLock()
				t := time.Now()
				err := crowd.Send(rt, req)
				mine = append(mine, time.Since(t))
				gate.RUnlock()
				if err != nil {
					failed.Add(1)
				}
			}
			lat.Add(mine...)
		})
	}
	most := 0
	for time.Now().Before(deadline) {
		time.Sleep(evictFor / 10)
		gate.Lock()
		most = max(most, api.live())
		gate.Unlock()
	}
	workers.Wait()
	most = max(most, api.live())
	runtime.KeepAlive(c)
	q := lat.Quantiles(0.5, 0.99, 1)
	return harness.One(
		harness.N("requests", int64(lat.Len())), harness.N("failed", failed.Load()),
		harness.N("token calls", tokens.Issued()-before),
		harness.N("most live tokens", int64(most)), harness.N("above the cap", int64(max(0, most-e.limit))),
		harness.Ms("p50", q[0]), harness.Ms("p99", q[1]), harness.Ms("worst", q[2]),
	), nil
}
