// Command stampede starts many goroutines at once, none of which has a token,
// against a token endpoint that takes 200 ms, or none, and counts the token
// requests.
package main

import (
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/authtrip/authtrip/bench/fake"
	"github.com/authtrip/authtrip/bench/harness"
	"github.com/authtrip/authtrip/bench/peer"
)

func main() {
	peers := peer.Names(func(p peer.Peer) bool {
		return !p.Static && p.Name != "x-oauth2-early" && p.Name != "google-sync" && p.Name != "google-2lo"
	})
	harness.Main(append(peers, "authtrip-resty"), harness.Scenario{
		Title:   "stampede: cold start; token endpoint 200 ms, or instant and in memory",
		Cases:   harness.Cross("1000", "10000", "10000-instant"),
		Run:     run,
		Compare: []string{"slowest"}, Job: []string{"failed"},
		Goals: []harness.Goal{
			{Case: "authtrip/10000", Cell: "token requests", AtMost: 1},
			{Case: "authtrip/10000", Cell: "failed"},
			{Case: "authtrip/10000", Cell: "slowest", BestPeer: true},
		},
	})
}

func run(name string) ([]harness.Row, error) {
	pname, count, _ := strings.Cut(name, "/")
	count, instant := strings.CutSuffix(count, "-instant")
	n, _ := strconv.Atoi(count)
	p, err := peer.ByName(pname)
	if err != nil {
		return nil, err
	}
	a := &fake.Auth{Before: 200 * time.Millisecond, Lifetime: time.Hour, TokenLen: 1024}
	a.Start()
	defer a.Close()
	api := &fake.API{Auth: a}
	c := peer.Config{
		TokenURL: a.TokenURL(), ClientID: "id", ClientSecret: "secret", Base: api,
		TokenTransport: a.Transport(), TokenTimeout: 30 * time.Second,
	}
	if instant {
		a.Before = 0
	}
	if p.NoSingleflight || instant {
		c.TokenTransport = a.InMemory()
	}
	rt, err := p.New(c)
	if err != nil {
		return nil, err
	}
	var (
		ready, done sync.WaitGroup
		gate        = make(chan struct{})
		failed      atomic.Int64
		problem     atomic.Pointer[error]
		all         = make([]time.Duration, n)
	)
	ready.Add(n)
	for i := range n {
		done.Go(func() {
			req, _ := http.NewRequest(http.MethodGet, "https://api.example.test/v1", nil)
			ready.Done()
			<-gate
			t := time.Now()
			res, err := rt.RoundTrip(req)
			all[i] = time.Since(t)
			if err != nil {
				problem.Store(&err)
			}
			if err != nil || res.StatusCode != 200 {
				failed.Add(1)
			}
		})
	}
	ready.Wait()
	runtime.GC()
	g0 := runtime.NumGoroutine()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	w := harness.WatchPeaks(2 * time.Millisecond)
	close(gate)
	done.Wait()
	w.Stop()
	if err := problem.Load(); err != nil {
		fmt.Fprintln(os.Stderr, name+":", *err)
	}
	var lat harness.Latencies
	lat.Add(all...)
	q := lat.Quantiles(0.5, 1)
	return harness.One(
		harness.N("token requests", a.Attempts()),
		harness.N("API requests", api.Requests()),
		harness.N("failed", failed.Load()),
		harness.Ms("p50", q[0]),
		harness.Ms("slowest", q[1]),
		harness.N("extra goroutines", int64(max(0, w.Goroutines-g0))),
		harness.MB("extra heap", max(0, w.Heap-float64(m.HeapAlloc))),
		harness.MB("extra stacks", max(0, w.Stacks-float64(m.StackInuse))),
	), nil
}
