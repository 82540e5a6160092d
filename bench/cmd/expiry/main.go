// Command expiry runs 200 paced workers for 12 s against 2-second tokens and a
// token endpoint of 300 ms, half of it before the token is issued.
package main

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/authtrip/authtrip/bench/fake"
	"github.com/authtrip/authtrip/bench/harness"
	"github.com/authtrip/authtrip/bench/peer"
)

const (
	workers = 200
	period  = 50 * time.Millisecond // 20 requests a second each, 4,000 in all
	length  = 12 * time.Second
)

func main() {
	harness.Main(harness.Scenario{
		Title: "expiry under load: 2 s tokens, 300 ms endpoint, 200 workers, 4,000 req/s for 12 s",
		Cases: harness.Cross("default", "early=500ms"),
		Run:   run,
	}, peer.Names(func(p peer.Peer) bool {
		return !p.Static && p.Name != "google-newclient" && p.Name != "google-2lo" && p.Name != "azcore-challenge"
	}))
}

func run(name string) harness.Row {
	pname, variant, _ := strings.Cut(name, "/")
	p, err := peer.ByName(pname)
	if err != nil {
		return harness.Row{harness.Text("error", err.Error())}
	}
	var early time.Duration
	if v, ok := strings.CutPrefix(variant, "early="); ok {
		early, _ = time.ParseDuration(v)
	}
	a := &fake.Auth{
		Before: 150 * time.Millisecond, After: 150 * time.Millisecond,
		Lifetime: 2 * time.Second, TokenLen: 1024,
	}
	a.Start()
	api := &fake.API{Auth: a}
	rt, err := p.New(peer.Config{
		TokenURL: a.TokenURL(), ClientID: "id", ClientSecret: "secret", Base: api,
		TokenTransport: a.Transport(), TokenTimeout: 10 * time.Second, Early: early,
	})
	if err != nil {
		return harness.Row{harness.Text("error", err.Error())}
	}
	req, _ := http.NewRequest(http.MethodGet, "https://api.example.test/v1", nil)
	if res, err := rt.RoundTrip(req); err != nil || res.StatusCode != 200 { // warm start
		return harness.Row{harness.Text("error", "warm start failed")}
	}
	base := a.Attempts()
	var lat harness.Latencies
	var failed, unauth, stalled atomic.Int64
	var wg sync.WaitGroup
	start := time.Now()
	ctx, cancel := context.WithDeadline(context.Background(), start.Add(length+20*time.Second))
	defer cancel()
	for i := range workers {
		wg.Go(func() {
			var mine []time.Duration
			req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "https://api.example.test/v1", nil)
			offset := period * time.Duration(i) / workers
			for k := 0; ; k++ {
				due := start.Add(offset + time.Duration(k)*period)
				if due.Sub(start) >= length || time.Since(start) > length+15*time.Second {
					break
				}
				from := due // a worker that is late counts from when it should have begun
				if d := time.Until(due); d > 0 {
					time.Sleep(d)
					from = time.Now()
				}
				res, err := rt.RoundTrip(req)
				d := time.Since(from)
				mine = append(mine, d)
				switch {
				case err != nil:
					failed.Add(1)
				case res.StatusCode == 401:
					unauth.Add(1)
				}
				if d > 50*time.Millisecond {
					stalled.Add(1)
				}
			}
			lat.Add(mine...)
		})
	}
	wg.Wait()
	took := time.Since(start)
	q := lat.Quantiles(0.5, 0.99, 0.999, 1)
	return harness.Row{
		harness.N("requests", int64(lat.Len())),
		harness.N("token requests", a.Attempts()-base),
		harness.Rate("token req", float64(a.Attempts()-base)/took.Seconds()),
		harness.Ms("p50", q[0]), harness.Ms("p99", q[1]), harness.Ms("p99.9", q[2]), harness.Ms("max", q[3]),
		harness.N("stalled >50ms", stalled.Load()),
		harness.N("sent expired", api.Verdicts[fake.Expired].Load()),
		harness.N("401 to caller", unauth.Load()),
		harness.N("errors", failed.Load()),
	}
}
