package restyv3_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/contrib/restyv3"
	"resty.dev/v3"
)

// TestBreakerHeedsNoLateNewsOfHalfOpen: a timer's goroutine brings it, and a slow
// hook of the user's own may keep it until the breaker is closed.
func TestBreakerHeedsNoLateNewsOfHalfOpen(t *testing.T) {
	for name, newBreaker := range breakers {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				news := make(chan struct{})
				cb := newBreaker()
				cb.OnStateChange(func(_, state resty.CircuitBreakerState) {
					if state == resty.CircuitBreakerStateHalfOpen {
						<-news
					}
				})
				g := newGuarded(t, cb, true)
				g.open()
				g.status.Store(200)
				g.token()
				time.Sleep(time.Minute + time.Second)
				if code, err := g.get(); code != 200 || err != nil {
					t.Fatalf("%d, %v; want 200", code, err)
				}
				close(news)
				synctest.Wait()
				tok, err := g.src.Token(t.Context())
				must(t, err)
				g.src.Invalidate(tok)
				if code, err := g.get(); code != 200 || err != nil {
					t.Fatalf("%d, %v; want 200: closed, requests wait for their token", code, err)
				}
			})
		})
	}
}

// TestBreakerOpensWhenARejectedTokensSuccessorDoesNotCome: by then the request
// is under way, and ends in an error.
func TestBreakerOpensWhenARejectedTokensSuccessorDoesNotCome(t *testing.T) {
	bubble(t, true, func(g *guarded) {
		g.open()
		g.status.Store(200)
		g.token()
		time.Sleep(time.Minute + time.Second)
		g.cloud.RevokeAll()
		g.cloud.Break(authtest.Fault{Hang: true, Times: 1})
		ctx, cancel := context.WithTimeout(g.t.Context(), time.Second)
		defer cancel()
		if _, err := g.client.R().SetContext(ctx).Get("/x"); !errors.Is(err, context.DeadlineExceeded) {
			g.t.Fatalf("got %v, want the caller's own deadline", err)
		}
		g.mustBe(resty.CircuitBreakerStateOpen)

		time.Sleep(time.Minute + time.Second) // its reset time, once
		g.token()
		if code, err := g.get(); code != 200 || err != nil {
			g.t.Fatalf("%d, %v; want 200", code, err)
		}
		g.mustBe(resty.CircuitBreakerStateClosed)
	})
}

// TestBreakerTakesNoTryFromAHalfOpenOne, which lets one request through.
func TestBreakerTakesNoTryFromAHalfOpenOne(t *testing.T) {
	for name, newBreaker := range breakers {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cb := newBreaker()
				plain := newGuarded(t, cb, false)
				plain.open()
				time.Sleep(time.Minute + time.Second)
				plain.mustBe(resty.CircuitBreakerStateHalfOpen)

				wrapped, err := restyv3.Breaker(cb, plain.src)
				must(t, err)
				plain.client.SetCircuitBreaker(wrapped)
				plain.status.Store(200)
				for range 2 {
					if code, err := plain.get(); code != 200 || err != nil {
						t.Fatalf("%d, %v; want 200", code, err)
					}
				}
				plain.mustBe(resty.CircuitBreakerStateClosed)
			})
		})
	}
}
