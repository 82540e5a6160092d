// Command expiry runs 200 paced workers for 12 s against tokens that live 2 s
// and a token endpoint of 300 ms, half of it before the token is issued, and
// shows who waits for a token and what is sent with an expired one.
//
// Peers run with their defaults; with a refresh 500 ms before expiry, set by
// hand where a peer has such a setting; and, set so too, while 30 % of the token
// calls fail at once with 503. authtrip runs with its defaults in all three.
package main

import (
	"context"
	"errors"
	"math/rand/v2"
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
	grace   = 3 * time.Second // for requests that are late by then
	early   = 500 * time.Millisecond
	url     = "https://api.example.test/v1"
)

func main() {
	const calm, failing = "authtrip/default", "authtrip/503s"
	peers := []string{"authtrip", "authtrip-resty", "x-oauth2", "x-oauth2-early", "google-async", "azcore", "smithy-bearer"}
	harness.Main(peers, harness.Scenario{
		Title:   "expiry under load: 2 s tokens, 300 ms endpoint, 200 workers, 4,000 req/s for 12 s",
		Cases:   cases,
		Run:     run,
		Compare: []string{"p99.9"}, Job: []string{"sent expired", "failed", "unfinished"},
		Goals: []harness.Goal{
			{Case: calm, Cell: "p99.9", AtMost: 1},
			{Case: calm, Cell: "sent expired"},
			{Case: calm, Cell: "failed"},
			{Case: calm, Cell: "token requests", AtMost: 10},
			{Case: failing, Cell: "p99.9", AtMost: 600},
			{Case: failing, Cell: "sent expired"},
			{Case: failing, Cell: "failed"},
		},
	})
}

// cases are those that can differ: a peer that heeds no margin has none set, and
// one that is there for its margin is not measured without.
func cases(peers []string) (all []string) {
	for _, variant := range []string{"default", "early=500ms", "503s"} {
		for _, name := range peers {
			p, err := peer.ByName(name)
			if err != nil || variant == "default" && name == "x-oauth2-early" ||
				variant == "early=500ms" && !p.EarlySet ||
				variant == "503s" && !p.EarlySet && !p.Ours {
				continue
			}
			all = append(all, name+"/"+variant)
		}
	}
	return all
}

// load is what the workers did.
type load struct {
	rt      http.RoundTripper
	start   time.Time
	lat     harness.Latencies
	begun   atomic.Int64
	failed  atomic.Int64 // errors and 401s
	stalled atomic.Int64
}

func run(name string) ([]harness.Row, error) {
	name, variant, _ := strings.Cut(name, "/")
	p, err := peer.ByName(name)
	if err != nil {
		return nil, err
	}
	c := peer.Config{ClientID: "id", ClientSecret: "secret", TokenTimeout: 10 * time.Second}
	if variant != "default" {
		c.Early = early
	}
	auth := &fake.Auth{
		Before: 150 * time.Millisecond, After: 150 * time.Millisecond,
		Lifetime: 2 * time.Second, TokenLen: 1024,
	}
	var unavailable atomic.Int64
	if variant == "503s" {
		auth.Fails = threeInTen(harness.Run(), &unavailable)
	}
	auth.Start()
	api := &fake.API{Auth: auth}
	c.TokenURL, c.TokenTransport, c.Base = auth.TokenURL(), auth.Transport(), api
	rt, err := p.New(c)
	if err != nil {
		return nil, err
	}
	req, _ := http.NewRequest(http.MethodGet, url, nil)
	if res, err := rt.RoundTrip(req); err != nil || res.StatusCode != 200 {
		return nil, errors.New("no token to begin with")
	}

	before := auth.Attempts()
	l := &load{rt: rt, start: time.Now()}
	l.run()
	took := time.Since(l.start)
	calls := auth.Attempts() - before
	q := l.lat.Quantiles(0.5, 0.99, 0.999, 1)
	return harness.One(
		harness.N("requests", int64(l.lat.Len())),
		harness.N("failed", l.failed.Load()),
		harness.N("sent expired", api.Verdicts[fake.Expired].Load()),
		harness.N("token requests", calls), harness.N("of them 503", unavailable.Load()),
		harness.Rate("token req", float64(calls)/took.Seconds()),
		harness.Ms("p50", q[0]), harness.Ms("p99", q[1]), harness.Ms("p99.9", q[2]), harness.Ms("max", q[3]),
		harness.N("stalled >50ms", l.stalled.Load()),
		harness.N("unfinished", l.begun.Load()-int64(l.lat.Len())),
	), nil
}

// threeInTen picks 30 % of the token requests, but not the first, without which
// there is nothing to measure: the same ones for every peer, others in each run. It
// counts them.
func threeInTen(seed uint64, count *atomic.Int64) func(int64) bool {
	var mu sync.Mutex
	r := rand.New(rand.NewPCG(seed, 503))
	var picked []bool
	return func(n int64) bool {
		mu.Lock()
		defer mu.Unlock()
		for int64(len(picked)) <= n {
			picked = append(picked, r.Float64() < 0.3)
		}
		if n == 0 || !picked[n] {
			return false
		}
		count.Add(1)
		return true
	}
}

// run returns when all workers are done, or when their time is over: some peers
// hold callers up for minutes and heed no context.
func (l *load) run() {
	ctx, cancel := context.WithDeadline(context.Background(), l.start.Add(length+grace))
	defer cancel()
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() { l.work(ctx, i) })
	}
	done := make(chan struct{})
	go func() {
		wg.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(time.Until(l.start.Add(length + grace + time.Second))):
	}
}

func (l *load) work(ctx context.Context, i int) {
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	due := l.start.Add(period * time.Duration(i) / workers)
	for ; due.Sub(l.start) < length && ctx.Err() == nil; due = due.Add(period) {
		from := due // a worker that is late counts from when it should have begun
		if d := time.Until(due); d > 0 {
			time.Sleep(d)
			from = time.Now()
		}
		l.begun.Add(1)
		res, err := l.rt.RoundTrip(req)
		d := time.Since(from)
		l.lat.Add(d)
		if err != nil || res.StatusCode != 200 {
			l.failed.Add(1)
		}
		if d > 50*time.Millisecond {
			l.stalled.Add(1)
		}
	}
}
