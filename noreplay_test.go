package authtrip_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
)

// noReplay has the world's client leave the sending again to the test.
func (w *world) noReplay() { w.client.Transport.(*authtrip.Transport).NoReplay = true }

// ask sends a GET and returns the response with its body read.
func (w *world) ask() (res *http.Response, body string) {
	w.t.Helper()
	res, err := w.client.Get(w.srv.APIURL + "/v1/organizations")
	if err != nil {
		w.t.Fatal(err)
	}
	b, err := io.ReadAll(res.Body)
	if err != nil || res.Body.Close() != nil {
		w.t.Fatal(err)
	}
	return res, string(b)
}

func TestI06_NoReplayHandsTheRejectionOnAndTheNextHasAnotherToken(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.noReplay()
		w.mustGet()
		w.srv.RevokeAll()
		res, body := w.ask()
		if res.StatusCode != 401 || !strings.Contains(body, "80007") || res.Header.Get("WWW-Authenticate") == "" || !authtrip.Rejected(res) {
			t.Fatalf("got %s, %q, rejected %v; want the server's 401 whole", res.Status, body, authtrip.Rejected(res))
		}
		wantAll(t, w.whyNotReplayed(), `"nhn"`, "NoReplay")
		w.wantTokenCalls(1) // nobody needs another yet

		// Others wait for it however long it takes: nobody replays for them.
		w.delayReply.Store(int64(3 * time.Second))
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				start := time.Now()
				if res, _ := w.ask(); res.StatusCode != 200 || authtrip.Rejected(res) || time.Since(start) != 3*time.Second {
					t.Errorf("the next got %s after %v, rejected %v", res.Status, time.Since(start), authtrip.Rejected(res))
				}
			})
		}
		wg.Wait()
		w.wantCounts(authtest.Counts{TokenCalls: 2, Issued: 2, Accepted: 21, Rejected: 1})
	})
}

// A request whose body could be sent again is, with NoReplay, in no other case
// than one whose body could not.
func TestI09_NoReplaySendsEveryBodyOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.noReplay()
		w.token()
		w.srv.RevokeAll()
		for i, body := range []io.Reader{strings.NewReader("again"), io.MultiReader(strings.NewReader("once"))} {
			res, err := w.client.Transport.RoundTrip(mustRequest(t, http.MethodPost, w.srv.APIURL+"/", body))
			if err != nil {
				t.Fatal(err)
			}
			if want := i == 0; authtrip.Rejected(res) != want { // the second has another token
				t.Errorf("%s, rejected %v", res.Status, authtrip.Rejected(res))
			}
			_ = res.Body.Close()
		}
		w.wantCounts(authtest.Counts{TokenCalls: 2, Issued: 2, Accepted: 1, Rejected: 1})
	})
}

func TestI06_FiveHundredInFlightWithNoReplayMakeOneReissue(t *testing.T) {
	w := newWorld(t)
	w.noReplay()
	w.mustGet()
	const n = 500
	var held, said atomic.Int32
	allHeld, revoked := make(chan struct{}), make(chan struct{})
	rt := w.client.Transport.(*authtrip.Transport)
	base := rt.Base
	rt.Base = roundTripFunc(func(r *http.Request) (*http.Response, error) {
		if i := held.Add(1); i <= n {
			if i == n {
				close(allHeld)
			}
			<-revoked
		}
		return base.RoundTrip(r)
	})
	// A layer that retries by itself, as often as it is told to.
	var sends atomic.Int32
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			for {
				sends.Add(1)
				res, err := w.client.Get(w.srv.APIURL + "/v1/organizations")
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
				if !authtrip.Rejected(res) {
					if res.StatusCode != 200 {
						t.Errorf("%s, and not said to be rejected", res.Status)
					}
					return
				}
				said.Add(1)
			}
		})
	}
	<-allHeld
	w.srv.RevokeAll()
	close(revoked)
	wg.Wait()
	if sends.Load() != 2*n || said.Load() != n {
		t.Errorf("%d sends, %d rejections; want %d and %d", sends.Load(), said.Load(), 2*n, n)
	}
	w.wantCounts(authtest.Counts{TokenCalls: 2, Issued: 2, Accepted: n + 1, Rejected: n})
}

func TestI10_NoReplayAtAnAPIThatAlwaysRejectsCostsTwoCalls(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"401":      unauthorized,
		"envelope": (&fickle{status: 200, body: refused, always: true}).ServeHTTP,
	} {
		for _, atOnce := range []bool{false, true} {
			inBubble(t, func(t *testing.T, w *world) {
				w.noReplay()
				var wg sync.WaitGroup
				for range 100 {
					send := func() {
						if res, _ := w.ask(); !authtrip.Rejected(res) {
							t.Errorf("%s: got %s, which is not said to be rejected", name, res.Status)
						}
					}
					if atOnce {
						wg.Go(send)
					} else {
						send()
					}
				}
				wg.Wait()
				settle(500 * time.Millisecond)
				w.ask()
				w.wantTokenCalls(2)
			}, serving(answer), judging(inHeader))
		}
	}
	// A layer that retries for ever is no storm either.
	inBubble(t, func(t *testing.T, w *world) {
		w.noReplay()
		for start := time.Now(); time.Since(start) < 4*time.Minute; time.Sleep(100 * time.Millisecond) {
			w.ask()
		}
		if n := w.srv.Counts().TokenCalls; n > 12 {
			t.Errorf("%d token calls in four minutes, want the pauses: 1 s doubling to 60 s", n)
		}
	}, serving(unauthorized))
}

func TestNoReplayKnowsEnvelopes(t *testing.T) {
	api := &fickle{status: 200, body: large}
	inBubble(t, func(t *testing.T, w *world) {
		w.noReplay()
		if res, body := w.ask(); res.StatusCode != 200 || body != large || !authtrip.Rejected(res) {
			t.Fatalf("%s with %d bytes, rejected %v; want the rejection whole", res.Status, len(body), authtrip.Rejected(res))
		}
		if res, body := w.ask(); body != fine || authtrip.Rejected(res) {
			t.Fatalf("then %q, rejected %v", body, authtrip.Rejected(res))
		}
		wantAll(t, w.whyNotReplayed(), "NoReplay")
		w.wantTokenCalls(2)
	}, serving(api.ServeHTTP), judging(inHeader))
}

func TestI08_NoReplayLeavesAtOnce(t *testing.T) {
	// Nothing is waited for, whatever the authorization server does.
	inBubble(t, func(t *testing.T, w *world) {
		w.noReplay()
		w.token()
		w.srv.Break(authtest.Fault{Hang: true})
		start := time.Now()
		if res, _ := w.ask(); res.StatusCode != 401 || time.Since(start) != 0 {
			t.Fatalf("%s after %v", res.Status, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := w.getWithin(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Fatalf("%v after %v, want the caller's own time-out", err, time.Since(start))
		}
	}, serving(unauthorized))
}
