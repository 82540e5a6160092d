package restyv3

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/authtrip/authtrip"
	"resty.dev/v3"
)

// Breaker returns cb, for SetCircuitBreaker, such that no failure of src opens
// it. Cb is new, from resty.NewCircuitBreakerCount or NewCircuitBreakerRatio.
//
// Closed, it is as it was: requests wait for their token, and a token failure
// counts for nothing. Open or half-open it lets a request through only while
// there is a token to send it with, so that it is the API that the one request
// asks, and its answer that counts. Other requests get an error at once that is
// [resty.ErrCircuitBreakerOpen] and the last error of src, if there was one;
// meanwhile a token is fetched behind them, by one goroutine at most, which ends
// with the token call.
//
// It does not see where a request goes: use it for clients of one API.
func Breaker(cb resty.CircuitBreaker, src *authtrip.Source) (resty.CircuitBreaker, error) {
	if src == nil {
		return nil, errNoSource
	}
	// Resty tells its breakers of errors through a method that is theirs alone,
	// and which only embedding keeps.
	g := &gate{src: src}
	switch cb := cb.(type) {
	case *resty.CircuitBreakerCount:
		cb.OnStateChange(g.changed)
		return &countBreaker{cb, g}, nil
	case *resty.CircuitBreakerRatio:
		cb.OnStateChange(g.changed)
		return &ratioBreaker{cb, g}, nil
	}
	return nil, fmt.Errorf("restyv3: Breaker was given a %T: make one with resty.NewCircuitBreakerCount or NewCircuitBreakerRatio", cb)
}

type countBreaker struct {
	*resty.CircuitBreakerCount
	gate *gate
}

type ratioBreaker struct {
	*resty.CircuitBreakerRatio
	gate *gate
}

// Allow implements [resty.CircuitBreaker].
func (b *countBreaker) Allow() error {
	if err := b.gate.allow(); err != nil {
		return err
	}
	return b.CircuitBreakerCount.Allow()
}

// Allow implements [resty.CircuitBreaker].
func (b *ratioBreaker) Allow() error {
	if err := b.gate.allow(); err != nil {
		return err
	}
	return b.CircuitBreakerRatio.Allow()
}

// gate stands before a breaker.
type gate struct {
	src *authtrip.Source
	// tripped from when the breaker opens until it is closed: what comes between
	// begins at a time that cannot be seen.
	tripped  atomic.Bool
	fetching atomic.Bool
	last     atomic.Pointer[error] // of the last fetch behind
}

func (g *gate) changed(_, state resty.CircuitBreakerState) {
	g.tripped.Store(state != resty.CircuitBreakerStateClosed)
	g.last.Store(nil)
}

// allow reports why the breaker is not to be asked.
func (g *gate) allow() error {
	if !g.tripped.Load() || g.ready() {
		return nil
	}
	g.fetch()
	if last := g.last.Load(); last != nil {
		return fmt.Errorf("restyv3: no token to try the API with: %w: %w", resty.ErrCircuitBreakerOpen, *last)
	}
	return fmt.Errorf("restyv3: no token yet to try the API with: %w", resty.ErrCircuitBreakerOpen)
}

// ready reports whether there is a token, and waits for none.
func (g *gate) ready() bool {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := g.src.Token(ended)
	return err == nil
}

// fetch asks for a token, unless somebody does already.
func (g *gate) fetch() {
	if g.fetching.Swap(true) {
		return
	}
	go func() {
		defer g.fetching.Store(false)
		if _, err := g.src.Token(context.Background()); err != nil {
			g.last.Store(&err)
			return
		}
		g.last.Store(nil)
	}()
}
