package restyv3_test

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/contrib/restyv3"
	"resty.dev/v3"
)

// hedging sends two copies at once.
func hedging() *resty.Hedging {
	return resty.NewHedging().SetDelay(time.Nanosecond).SetMaxRequest(2).SetMaxRequestPerSecond(0)
}

var hedgeOrders = map[string]func(*world, string){
	"after":            func(w *world, way string) { w.add(way); w.client.SetHedging(hedging()) },
	"before":           func(w *world, way string) { w.client.SetHedging(hedging()); w.add(way) },
	"before and after": func(w *world, way string) { w.client.SetHedging(hedging()); w.add(way); w.client.SetHedging(hedging()) },
}

// TestEveryHedgedCopyHasAToken, whichever of Install and SetHedging came first;
// all copies share one token call, for the first token and for the next.
func TestEveryHedgedCopyHasAToken(t *testing.T) {
	for name, order := range hedgeOrders {
		t.Run(name, func(t *testing.T) {
			var copies atomic.Int32
			var both sync.WaitGroup
			w := newWorld(t, authtest.API(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
				if copies.Add(1) <= 2 { // the first answers when the second is here
					both.Done()
					both.Wait()
				}
			})))
			order(w, "install")
			both.Add(2)
			w.mustGet(w.client.R(), "/x")
			if n, c := copies.Load(), w.cloud.Counts(); n != 2 || c.TokenCalls != 1 || c.Rejected != 0 {
				t.Errorf("%d copies, %+v; want 2 copies and one token call", n, c)
			}
			w.cloud.RevokeAll()
			w.mustGet(w.client.R(), "/x")
			if c := w.cloud.Counts(); c.TokenCalls != 2 {
				t.Errorf("%+v; want one token call more", c)
			}
		})
	}
}

func TestSetHedgingOfNilEndsTheHedgingAndNotTheTokens(t *testing.T) {
	for name, order := range hedgeOrders {
		for _, way := range ways {
			t.Run(name+", "+way, func(t *testing.T) {
				w := newWorld(t)
				own := w.client.Transport()
				order(w, way)
				w.mustGet(w.client.R(), "/v1/organizations")
				w.client.SetHedging(nil)
				if _, hedged := w.client.Transport().(resty.Hedger); hedged {
					t.Error("the Hedger is there still")
				}
				w.mustGet(w.client.R(), "/v1/organizations")
				if c := w.cloud.Counts(); c.Rejected != 0 {
					t.Errorf("%d requests went without a token", c.Rejected)
				}
				restyv3.Uninstall(w.client)
				if w.client.Transport() != own {
					t.Errorf("Uninstall left a %T", w.client.Transport())
				}
			})
		}
	}
}

func TestUninstallLeavesTheHedging(t *testing.T) {
	w := newWorld(t)
	own, h := w.client.Transport(), hedging()
	must(t, restyv3.Install(w.client.SetHedging(h), w.src))
	restyv3.Uninstall(w.client)
	if w.client.Transport() != http.RoundTripper(h) || h.Transport() != own {
		t.Errorf("Uninstall left a %T over a %T", w.client.Transport(), h.Transport())
	}
	w.mustGetWithout(w.client.R(), "/v1/organizations")
}

func TestRetryRejectedKnowsAHedgedRejection(t *testing.T) {
	w := newWorld(t)
	w.client.AddRequestMiddleware(restyv3.Attach(w.src)).SetHedging(hedging())
	w.client.SetRetryCount(1).SetRetryWaitTime(time.Millisecond).AddRetryConditions(restyv3.RetryRejected)
	w.mustGet(w.client.R(), "/v1/organizations")
	w.cloud.RevokeAll()
	w.mustGet(w.client.R(), "/v1/organizations")
}
