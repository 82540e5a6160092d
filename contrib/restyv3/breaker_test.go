package restyv3_test

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/contrib/restyv3"
	"resty.dev/v3"
)

// builtIn is what Resty's breakers have.
type builtIn interface {
	resty.CircuitBreaker
	resty.CircuitBreakerObserver
}

// breakers open at the first failure, and for a minute.
var breakers = map[string]func() builtIn{
	"count": func() builtIn { return resty.NewCircuitBreakerCount(1, 1, time.Minute) },
	"ratio": func() builtIn { return resty.NewCircuitBreakerRatio(0.01, 1, time.Minute) },
}

// guarded is a world in memory, whose client has a circuit breaker and whose API
// answers with the status, or not at all for 0.
type guarded struct {
	*world
	status atomic.Int32
	state  atomic.Uint32 // of the breaker
}

// newGuarded must be called in a synctest bubble.
func newGuarded(t *testing.T, cb builtIn, wrapped bool) *guarded {
	g := new(guarded)
	g.status.Store(200)
	g.world = newWorld(t, authtest.InMemory(), authtest.API(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.WriteHeader(int(g.status.Load()))
	})))
	g.client.SetTransport(&wrapper{g.cloud.Transport(), func(r *http.Request) {
		if g.status.Load() == 0 {
			r.URL.Host = "127.0.0.1:0"
		}
	}})
	must(t, restyv3.Install(g.client, g.src))
	cb.OnStateChange(func(_, state resty.CircuitBreakerState) { g.state.Store(uint32(state)) })
	var use resty.CircuitBreaker = cb
	if wrapped {
		var err error
		use, err = restyv3.Breaker(cb, g.src)
		must(t, err)
	}
	g.client.SetCircuitBreaker(use)
	return g
}

func (g *guarded) mustBe(state resty.CircuitBreakerState) {
	g.t.Helper()
	if got := resty.CircuitBreakerState(g.state.Load()); got != state {
		g.t.Fatalf("the breaker is in state %d, want %d", got, state)
	}
}

func (g *guarded) get() (int, error) {
	res, err := g.client.R().Get("/x")
	return status(res), err
}

// open has the API fail, which opens the breaker, and the token gone.
func (g *guarded) open() {
	g.t.Helper()
	g.status.Store(503)
	if code, err := g.get(); code != 503 || err != nil {
		g.t.Fatalf("%d, %v; want 503", code, err)
	}
	g.mustBe(resty.CircuitBreakerStateOpen)
	tok, err := g.src.Token(g.t.Context())
	must(g.t, err)
	g.src.Invalidate(tok)
}

// bubble runs f for each built-in breaker.
func bubble(t *testing.T, wrapped bool, f func(*guarded)) {
	for name, make := range breakers {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(newGuarded(t, make(), wrapped)) })
		})
	}
}

// TestTokenFailuresLeaveAClosedBreakerClosed, a thousand of them, and as soon as
// the authorization server is back, requests go.
func TestTokenFailuresLeaveAClosedBreakerClosed(t *testing.T) {
	for _, wrapped := range []bool{false, true} {
		bubble(t, wrapped, func(g *guarded) {
			g.cloud.Break(authtest.Fault{Status: 503})
			for range 1000 {
				if _, err := g.get(); err == nil || errors.Is(err, resty.ErrCircuitBreakerOpen) {
					g.t.Fatalf("got %v, want the token's failure", err)
				}
			}
			g.mustBe(resty.CircuitBreakerStateClosed)
			g.cloud.Heal()
			_, err := g.get()
			if !errors.Is(err, authtrip.ErrCircuitOpen) {
				g.t.Fatalf("got %v, want authtrip's own breaker open", err)
			}
			time.Sleep(time.Minute) // it lets a token call through by then
			if code, err := g.get(); code != 200 || err != nil {
				g.t.Fatalf("%d, %v; want 200", code, err)
			}
			g.mustBe(resty.CircuitBreakerStateClosed)
		})
	}
}

// TestAHalfOpenBreakerOpensForWantOfATokenByItself: what Breaker is for.
func TestAHalfOpenBreakerOpensForWantOfATokenByItself(t *testing.T) {
	bubble(t, false, func(g *guarded) {
		g.open()
		g.status.Store(200)
		g.cloud.Break(authtest.Fault{Status: 400, Times: 1})
		time.Sleep(time.Minute + time.Second)
		g.mustBe(resty.CircuitBreakerStateHalfOpen)
		if _, err := g.get(); err == nil {
			g.t.Fatal("a request without a token")
		}
		g.mustBe(resty.CircuitBreakerStateOpen)
	})
}

func TestBreakerAsksTheAPIAndNotForAToken(t *testing.T) {
	bubble(t, true, func(g *guarded) {
		g.open()
		g.status.Store(200)
		g.cloud.Break(authtest.Fault{Status: 400}) // authtrip's own breaker counts no such answer
		time.Sleep(time.Minute + time.Second)
		g.mustBe(resty.CircuitBreakerStateHalfOpen)
		before := g.cloud.Counts()
		for range 100 {
			if _, err := g.get(); !errors.Is(err, resty.ErrCircuitBreakerOpen) {
				g.t.Fatalf("got %v, want that there is no token to try with", err)
			}
		}
		synctest.Wait()
		_, err := g.get()
		mustSay(g.t, err, "no token to try the API with", "invalid_request")
		g.mustBe(resty.CircuitBreakerStateHalfOpen)
		if c := g.cloud.Counts(); c.Accepted != before.Accepted || c.Rejected != 0 {
			g.t.Errorf("%+v; want no request", c)
		}

		g.cloud.Heal()
		time.Sleep(time.Minute) // authtrip waits after such an answer
		_, err = g.get()        // which starts the token call
		if !errors.Is(err, resty.ErrCircuitBreakerOpen) {
			g.t.Fatalf("got %v, want that there is no token to try with", err)
		}
		synctest.Wait()
		if code, err := g.get(); code != 200 || err != nil {
			g.t.Fatalf("%d, %v; want 200 as soon as there is a token", code, err)
		}
		g.mustBe(resty.CircuitBreakerStateClosed)

		tok, err := g.src.Token(g.t.Context())
		must(g.t, err)
		g.src.Invalidate(tok) // closed, requests wait for theirs
		if code, err := g.get(); code != 200 || err != nil {
			g.t.Fatalf("%d, %v; want 200", code, err)
		}
	})
}

// TestBreakerStillOpensForTheAPI, half-open too: for an answer, and for none.
func TestBreakerStillOpensForTheAPI(t *testing.T) {
	for _, code := range []int32{503, 0} {
		bubble(t, true, func(g *guarded) {
			g.open()
			g.status.Store(code)
			g.token()
			time.Sleep(time.Minute + time.Second)
			g.mustBe(resty.CircuitBreakerStateHalfOpen)
			if code == 503 {
				if got, err := g.get(); got != 503 || err != nil {
					g.t.Fatalf("%d, %v; want 503", got, err)
				}
			} else if _, err := g.get(); err == nil || errors.Is(err, resty.ErrCircuitBreakerOpen) {
				g.t.Fatalf("got %v, want what the network said", err)
			}
			g.mustBe(resty.CircuitBreakerStateOpen)
			if _, err := g.get(); err != resty.ErrCircuitBreakerOpen {
				g.t.Fatalf("got %v, want Resty's own error", err)
			}
		})
	}
}

// TestBreakerForgetsAnOldFailure when it is closed again.
func TestBreakerForgetsAnOldFailure(t *testing.T) {
	bubble(t, true, func(g *guarded) {
		for _, says := range []string{"no token to try the API with", "no token yet"} {
			g.open()
			g.status.Store(200)
			if says != "no token yet" {
				g.cloud.Break(authtest.Fault{Status: 400, Times: 1})
				_, _ = g.get() // starts the token call
				synctest.Wait()
			}
			_, err := g.get()
			mustSay(g.t, err, says)
			time.Sleep(time.Minute + time.Second)
			g.token()
			if code, err := g.get(); code != 200 || err != nil {
				g.t.Fatalf("%d, %v; want 200", code, err)
			}
		}
	})
}

// TestBreakerFetchesOneTokenBehindAllThatAreRefused, and ends with the Source.
func TestBreakerFetchesOneTokenBehindAllThatAreRefused(t *testing.T) {
	bubble(t, true, func(g *guarded) {
		g.open()
		g.cloud.Break(authtest.Fault{Hang: true})
		before := g.cloud.Counts().TokenCalls
		time.Sleep(time.Minute + time.Second)
		goroutines := runtime.NumGoroutine()
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if _, err := g.get(); !errors.Is(err, resty.ErrCircuitBreakerOpen) {
					g.t.Errorf("got %v, want that there is no token to try with", err)
				}
			})
		}
		wg.Wait() // while the token call hangs
		synctest.Wait()
		if n, more := g.cloud.Counts().TokenCalls-before, runtime.NumGoroutine()-goroutines; n != 1 || more > 20 {
			g.t.Errorf("%d token calls, want 1, and %d goroutines more", n, more)
		}
		must(g.t, g.src.Close()) // the bubble does not end before the goroutine does
	})
}

// TestATokenAtHandIsThereForAContextThatEnded is what Breaker builds on.
func TestATokenAtHandIsThereForAContextThatEnded(t *testing.T) {
	w := newWorld(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.src.Token(ended); !errors.Is(err, context.Canceled) || w.cloud.Counts().TokenCalls != 0 {
		t.Fatalf("got %v and %d token calls, want the context's own error and none", err, w.cloud.Counts().TokenCalls)
	}
	first := w.token()
	if tok, err := w.src.Token(ended); err != nil || tok.AccessToken() != first {
		t.Fatalf("got %v, want the token", err)
	}
}
