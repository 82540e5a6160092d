package restyv3

import (
	"context"
	"fmt"
	"reflect"
	"sync/atomic"

	"github.com/authtrip/authtrip"
	"resty.dev/v3"
)

// Breaker returns cb, for SetCircuitBreaker, such that want of a token does not
// open it. Cb is new, from resty.NewCircuitBreakerCount or NewCircuitBreakerRatio,
// and used through Breaker alone. One that is open already is an error.
//
// Closed, it is as it was: requests wait for their token, and a token failure
// counts for nothing. Open or half-open it lets a request through only while
// there is a token to send it with, so that it is the API that the one request
// asks, and its answer that counts. Other requests get an error at once that is
// [resty.ErrCircuitBreakerOpen] and the last error of src, if there was one;
// meanwhile a token is fetched behind them, by one goroutine at most, which ends
// with the token call.
//
// One case remains. The token of that one request may expire before it is sent
// and no other be had, or the API may reject it and the next not come before the
// caller's deadline: then cb opens once more, for its reset time.
//
// It does not see where a request goes: use it for clients of one API.
func Breaker(cb resty.CircuitBreaker, src *authtrip.Source) (resty.CircuitBreaker, error) {
	if fmt.Sprint(src) == fmt.Sprint(new(authtrip.Source)) { // nil, or zero: it has no ID
		return nil, errNoSource
	}
	if v := reflect.ValueOf(cb); v.Kind() == reflect.Pointer && (v.IsNil() || v.Elem().IsZero()) {
		return nil, fmt.Errorf("restyv3: Breaker was given a %T that is nil or zero: %s", cb, makeOne)
	}
	// Resty tells its breakers of errors through a method that is theirs alone,
	// and which only embedding keeps.
	g := &gate{src: src}
	var guarded interface {
		resty.CircuitBreaker
		resty.CircuitBreakerObserver
	}
	switch cb := cb.(type) {
	case *resty.CircuitBreakerCount:
		guarded = &countBreaker{cb, g}
	case *resty.CircuitBreakerRatio:
		guarded = &ratioBreaker{cb, g}
	default:
		return nil, fmt.Errorf("restyv3: Breaker was given a %T: %s", cb, makeOne)
	}
	if cb.Allow() != nil {
		return nil, fmt.Errorf("restyv3: Breaker was given one that is open already: %s", makeOne)
	}
	g.allowed.Store(true)
	guarded.OnStateChange(g.changed)
	return guarded, nil
}

const makeOne = "make one with resty.NewCircuitBreakerCount or NewCircuitBreakerRatio"

type countBreaker struct {
	*resty.CircuitBreakerCount
	gate *gate
}

type ratioBreaker struct {
	*resty.CircuitBreakerRatio
	gate *gate
}

// Allow implements [resty.CircuitBreaker].
func (b *countBreaker) Allow() error { return b.gate.allow(b.CircuitBreakerCount.Allow) }

// Allow implements [resty.CircuitBreaker].
func (b *ratioBreaker) Allow() error { return b.gate.allow(b.CircuitBreakerRatio.Allow) }

// gate stands before a breaker.
type gate struct {
	src *authtrip.Source
	// tripped from when the breaker opens until it is closed: what comes between
	// begins at a time that cannot be seen.
	tripped atomic.Bool
	// allowed is the answer that Breaker got: half-open, a breaker gives it once,
	// and the first request must have it.
	allowed  atomic.Bool
	fetching atomic.Bool
	last     atomic.Pointer[error] // of the last fetch behind
}

// changed is a hook of the breaker's. A timer tells of half-open, and may come
// after the request that closed the breaker.
func (g *gate) changed(_, state resty.CircuitBreakerState) {
	if state == resty.CircuitBreakerStateHalfOpen {
		return
	}
	g.tripped.Store(state == resty.CircuitBreakerStateOpen)
	g.last.Store(nil)
}

// allow asks the breaker, once there is a token to ask the API with.
func (g *gate) allow(breaker func() error) error {
	if g.tripped.Load() && !g.ready() {
		return g.fetch()
	}
	if g.allowed.Swap(false) {
		return nil
	}
	return breaker()
}

// ready reports whether there is a token, and waits for none.
func (g *gate) ready() bool {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := g.src.Token(ended)
	return err == nil
}

// fetch asks for a token, unless somebody does already, and returns the error
// for those who come meanwhile.
func (g *gate) fetch() error {
	if !g.fetching.Swap(true) {
		go func() {
			defer g.fetching.Store(false)
			if _, err := g.src.Token(context.Background()); err != nil {
				g.last.Store(&err)
				return
			}
			g.last.Store(nil)
		}()
	}
	if last := g.last.Load(); last != nil {
		return fmt.Errorf("restyv3: no token to try the API with: %w: %w", resty.ErrCircuitBreakerOpen, *last)
	}
	return fmt.Errorf("restyv3: no token yet to try the API with: %w", resty.ErrCircuitBreakerOpen)
}
