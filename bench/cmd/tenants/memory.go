package main

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/bench/crowd"
	"github.com/authtrip/authtrip/bench/fake"
	"github.com/authtrip/authtrip/bench/harness"
	"github.com/authtrip/authtrip/bench/peer"
)

// sampling is the heap profile's rate: fine enough to see one timer in each
// tenant, and coarse enough not to matter.
const sampling = 4096

func memory(name string) ([]harness.Row, error) {
	if slices.Contains(ours, name) {
		return memoryOfManager(name)
	}
	return memoryOfPeer(name)
}

// memoryOfPeer builds one client per tenant over shared transports.
func memoryOfPeer(name string) ([]harness.Row, error) {
	p, err := peer.ByName(name)
	if err != nil {
		return nil, err
	}
	n := tenantsOf(name)
	a := &fake.Auth{Lifetime: 24 * time.Hour, TokenLen: 64}
	a.Start()
	defer a.Close()
	tokens := &crowd.Issuer{}
	c := peer.Config{TokenURL: a.TokenURL(), TokenTransport: tokens, TokenTimeout: 5 * time.Second}
	c.TokenServer = peer.NewTokenServer(c.TokenURL, c.TokenTransport, c.TokenTimeout)
	c.Base = challenge{fake.Stub{Fresh: p.FreshResponse}}
	all := make([]http.RoundTripper, n)
	before := measure()
	for i := range all {
		c.ClientID, c.ClientSecret = fmt.Sprintf("client-%07d", i), fmt.Sprintf("secret-%07d", i)
		if all[i], err = p.New(c); err != nil {
			return nil, err
		}
	}
	built := measure()
	req := fake.Request(fake.URL)
	send := func() error {
		for _, rt := range all {
			if err := crowd.Send(rt, req); err != nil {
				return err
			}
		}
		return nil
	}
	tokens.SetLifetime(time.Second)
	if err := send(); err != nil {
		return nil, err
	}
	warm := measure()
	tokens.SetLifetime(0)
	time.Sleep(time.Second) // then the last has expired too
	if err := send(); err != nil {
		return nil, err
	}
	renewed := bytesEach("renewed", measure().heap-before.heap, n)
	switch got := tokens.Issued(); {
	case got == 0 || got == int64(n): // it has none, or learns of its end by a 401
		renewed = harness.Cell{Name: "renewed", Text: "was not", Unit: "B"}
	case got != int64(2*n):
		return nil, fmt.Errorf("%d tokens for %d tenants after a renewal of each", got, n)
	}
	runtime.KeepAlive(all)
	return harness.One(
		harness.N("tenants", int64(n)), bytesEach("built", built.heap-before.heap, n), bytesEach("warm", warm.heap-before.heap, n), renewed,
		each("goroutines", warm.goroutines-before.goroutines, n), each("timers", warm.timers-before.timers, n),
	), nil
}

// shortLife is that of a Manager's first tokens: all n are to be had within a
// third of it, and renewed in the next.
func shortLife(n int) time.Duration {
	return max(40*time.Second, time.Duration(n)*400*time.Microsecond).Round(time.Second)
}

// oldKept is for how long, after it expired, a Manager keeps a token that was
// renewed, and some more.
const oldKept = 80 * time.Second

// memoryOfManager builds one Manager of all tenants. Its tokens are renewed
// before they expire, so that there is the memory while the old one is valid
// still, and afterwards.
func memoryOfManager(kind string) ([]harness.Row, error) {
	n := tenantsOf(kind)
	tokens := &crowd.Issuer{}
	before := measure()
	life := shortLife(n)
	tokens.SetLifetime(life)
	c, err := crowd.New(kind, n, tokens, authtrip.Policy{MaxTokens: n + 1, RenewAt: 0.4, RenewSpread: -1})
	if err != nil {
		return nil, err
	}
	built := measure()
	rt := &authtrip.Transport{Source: c.Manager, Base: fake.Stub{}}
	req := fake.Request(fake.URL)
	all := func() error {
		for i := range n {
			if err := crowd.Send(rt, req.WithContext(c.Context(crowd.Name(i)))); err != nil {
				return err
			}
			if err := settle(before.goroutines + 10); err != nil { // renewals go on behind the requests
				return err
			}
		}
		return settle(before.goroutines)
	}
	start := time.Now()
	if err := all(); err != nil {
		return nil, err
	}
	last := time.Now()
	if took := last.Sub(start); took > life/3 {
		return nil, fmt.Errorf("it took %v to get the first tokens, and may take %v", took, life/3)
	}
	if got := tokens.Issued(); got != int64(n) {
		return nil, fmt.Errorf("%d tokens for %d tenants", got, n)
	}
	warm := measure()
	tokens.SetLifetime(0)
	time.Sleep(time.Until(last.Add(life * 2 / 5)))
	if err := all(); err != nil {
		return nil, err
	}
	if got := tokens.Issued(); got != int64(2*n) || time.Since(start) > life {
		return nil, fmt.Errorf("%d tokens for %d tenants after a renewal of each, which took until %v after the first", got, n, time.Since(start))
	}
	both := measure()
	time.Sleep(time.Until(last.Add(life*6/5 + oldKept)))
	if err := all(); err != nil {
		return nil, err
	}
	renewed := measure()
	if dir := os.Getenv("HEAPS"); dir != "" {
		if err := writeHeap(dir + "/" + kind + ".heap"); err != nil {
			return nil, err
		}
	}
	runtime.KeepAlive(c)
	return harness.One(
		harness.N("tenants", int64(n)), bytesEach("built", built.heap-before.heap, n), bytesEach("warm", warm.heap-before.heap, n),
		bytesEach("renewed", renewed.heap-before.heap, n), bytesEach("renewed, the old one kept still", both.heap-before.heap, n),
		each("goroutines", renewed.goroutines-before.goroutines, n), each("timers", renewed.timers-before.timers, n),
	), nil
}

// settle waits until there are no more than so many goroutines.
func settle(most int) error {
	patience := time.Now().Add(20 * time.Second)
	for runtime.NumGoroutine() > most {
		if time.Now().After(patience) {
			return fmt.Errorf("%d goroutines are left, and %d were to be", runtime.NumGoroutine(), most)
		}
		runtime.Gosched()
	}
	return nil
}

// challenge refuses requests without a token, which is how gophercloud learns
// that it needs one.
type challenge struct{ base http.RoundTripper }

func (c challenge) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Header.Get("Authorization") == "" && r.Header.Get("X-Auth-Token") == "" {
		return &http.Response{StatusCode: 401, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
	}
	return c.base.RoundTrip(r)
}

type state struct{ heap, goroutines, timers int }

func measure() state {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return state{int(m.HeapAlloc), runtime.NumGoroutine(), timers()}
}

// timers estimates by the heap profile how many there are.
func timers() int {
	records := make([]runtime.MemProfileRecord, 4096)
	n, ok := runtime.MemProfile(records, false)
	for !ok {
		records = make([]runtime.MemProfileRecord, n+n/2)
		n, ok = runtime.MemProfile(records, false)
	}
	total := 0.0
	for _, r := range records[:n] {
		if r.InUseObjects() > 0 && makesTimer(r.Stack()) {
			size := float64(r.InUseBytes()) / float64(r.InUseObjects())
			total += float64(r.InUseObjects()) / (1 - math.Exp(-size/sampling))
		}
	}
	return int(total)
}

func makesTimer(stack []uintptr) bool {
	frames := runtime.CallersFrames(stack)
	for {
		f, more := frames.Next()
		if strings.HasPrefix(f.Function, "time.") && (strings.Contains(f.Function, "Timer") || strings.Contains(f.Function, "AfterFunc")) {
			return true
		}
		if !more {
			return false
		}
	}
}

func writeHeap(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(pprof.Lookup("heap").WriteTo(f, 0), f.Close())
}

func bytesEach(name string, total, n int) harness.Cell {
	return harness.Value(name, math.Round(float64(total)/float64(n)), "B")
}

// each is a count per tenant. What belongs to all of them together is less
// than one in a thousand.
func each(name string, total, n int) harness.Cell {
	return harness.Value(name, math.Round(1000*float64(total)/float64(n))/1000, "")
}
