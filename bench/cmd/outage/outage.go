package main

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/authtrip/authtrip/bench/fake"
)

const (
	workers = 200
	period  = 100 * time.Millisecond // 10 requests a second each, 2,000 in all

	// x/oauth2 takes tokens with 10 s left for expired: with these it begins
	// with a good one.
	lifetime = 11 * time.Second
	// begins is when the server goes, counted from the token.
	begins = 500 * time.Millisecond
	// aloneFor is how long, before the server returns, one caller fails as
	// fast as it can while the others rest.
	aloneFor = 400 * time.Millisecond
	// longestReturn bounds the wait for callers to be served again.
	longestReturn = 13 * time.Second
)

// sample is what a worker saw of one request.
type sample struct {
	at   time.Time
	took time.Duration
	bad  bool // an error or another status than 200
}

// outage is one run of one case.
type outage struct {
	variant string
	length  time.Duration // when the server returns, counted from the token
	auth    *fake.Auth
	api     *fake.API
	rt      http.RoundTripper
	circuit circuit

	mu      sync.Mutex
	calls   []time.Time // guarded by mu; of the token endpoint
	samples []sample    // guarded by mu
	alone   []time.Duration

	tokenAt, gone, rest time.Time
	back                atomic.Pointer[time.Time] // nil: not yet

	resting  atomic.Bool
	served   atomic.Int64 // workers that were served since the return
	lastFail atomic.Int64 // UnixNano
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// recorded notes when token calls are made.
func (o *outage) recorded(rt http.RoundTripper) http.RoundTripper {
	return roundTripFunc(func(r *http.Request) (*http.Response, error) {
		if r.Context().Err() == nil {
			o.mu.Lock()
			o.calls = append(o.calls, time.Now())
			o.mu.Unlock()
		}
		return rt.RoundTrip(r)
	})
}

func (o *outage) send(ctx context.Context) sample {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://api.example.test/v1", nil)
	if err != nil {
		return sample{bad: true}
	}
	at := time.Now()
	res, err := o.rt.RoundTrip(req)
	took := time.Since(at)
	return sample{at, took, err != nil || res.StatusCode != http.StatusOK}
}

func (o *outage) run() error {
	o.tokenAt = time.Now()
	if o.send(context.Background()).bad {
		return errors.New("the first request failed")
	}
	time.Sleep(time.Until(o.tokenAt.Add(begins)))
	behave(o.auth, o.variant)
	o.gone = time.Now()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() { o.work(ctx, w) })
	}

	o.rest = o.tokenAt.Add(o.length - aloneFor - 2*period)
	time.Sleep(time.Until(o.rest))
	o.resting.Store(true)
	time.Sleep(2 * period) // for those under way
	o.failAlone()
	time.Sleep(time.Until(o.tokenAt.Add(o.length)))

	back := time.Now()
	o.back.Store(&back)
	o.auth.SetMode(fake.OK)
	o.resting.Store(false)
	for time.Since(back) < longestReturn {
		time.Sleep(20 * time.Millisecond)
		if o.served.Load() == workers && time.Since(time.Unix(0, o.lastFail.Load())) > time.Second {
			break
		}
	}
	cancel()
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(6 * time.Second): // some do not heed their context
	}
	return nil
}

// work sends a request each period. What was missed while one was under way is
// not made up for.
func (o *outage) work(ctx context.Context, n int) {
	served := false
	due := o.gone.Add(period * time.Duration(n) / workers)
	for ; ; due = due.Add(period * (1 + max(0, time.Since(due)/period))) {
		if fake.Sleep(ctx, time.Until(due)) != nil {
			return
		}
		if o.resting.Load() {
			continue
		}
		s := o.send(ctx)
		if ctx.Err() != nil {
			return
		}
		back := o.back.Load()
		switch {
		case s.bad:
			o.lastFail.Store(time.Now().UnixNano())
		case back != nil && s.at.After(*back) && !served:
			served = true
			o.served.Add(1)
		}
		o.mu.Lock()
		o.samples = append(o.samples, s)
		o.mu.Unlock()
	}
}

// failAlone calls one after another, without a pause.
func (o *outage) failAlone() {
	ctx, cancel := context.WithTimeout(context.Background(), aloneFor)
	defer cancel()
	took := make(chan []time.Duration, 1)
	go func() {
		var mine []time.Duration
		for ctx.Err() == nil {
			s := o.send(context.Background())
			if s.bad {
				mine = append(mine, s.took)
			}
		}
		took <- mine
	}()
	select {
	case o.alone = <-took:
		slices.Sort(o.alone)
	case <-time.After(aloneFor + period): // it hangs
	}
}
