package authtrip_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
)

// A renewal behind a request has what the request's context holds, and does not
// end with it.
func TestI02_TheEndOfARequestIsNotHeardByTheRenewalItBegan(t *testing.T) {
	type key struct{}
	var mu sync.Mutex
	var callers []context.Context
	inBubble(t, func(t *testing.T, w *world) {
		w.mustGet()
		settle(20 * time.Hour)
		ctx, cancel := context.WithCancel(context.WithValue(context.Background(), key{}, "mine"))
		w.delayReply.Store(int64(time.Second))
		if status, err := w.getWithin(ctx); status != 200 || err != nil {
			t.Fatal(status, err)
		}
		cancel()
		synctest.Wait()
		mu.Lock()
		ended := callers[len(callers)-1].Err()
		mu.Unlock()
		settle(2 * time.Second)
		if len(callers) != 2 || callers[1].Value(key{}) != "mine" || ended != nil {
			t.Fatalf("%d token calls; the renewal's caller ended: %v", len(callers), ended)
		}
	}, with(authtrip.Hooks{TokenCallStart: func(ctx, caller context.Context, _ authtrip.TokenCall) context.Context {
		mu.Lock()
		defer mu.Unlock()
		callers = append(callers, caller)
		return ctx
	}}))
}

// Of several token headers any may be there already, in any spelling: none goes
// twice.
func TestI16_NoneOfSeveralTokenHeadersIsDoubled(t *testing.T) {
	for _, name := range []string{"x-nhn-authentication", "X-NHN-Authentication", "x-nhn-authorization", "X-NHN-AUTHORIZATION", "X-Nhn-Authorization"} {
		for _, attach := range []bool{false, true} {
			var got http.Header
			src := newSource(t, keyed(), issuing("one"))
			tr := &authtrip.Transport{Source: src, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
				got = r.Header
				return &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody}, nil
			})}
			req := mustRequest(t, http.MethodGet, "https://api.example/", nil)
			req.Header[name] = []string{"old"}
			if attach {
				if err := src.Attach(req); err != nil {
					t.Fatal(err)
				}
				got = req.Header
			} else if _, err := tr.RoundTrip(req); err != nil {
				t.Fatal(err)
			}
			if len(got) != 3 || got.Get("X-Nhn-Authentication") != "Bearer one" || got.Get("X-Nhn-Authorization") != "Bearer one" {
				t.Errorf("%s: %v was sent", name, got)
			}
		}
	}
}
