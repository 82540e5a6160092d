package authtrip_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
)

func TestI10_AnAPIThatAlwaysRejectsCostsTwoCalls(t *testing.T) {
	const n = 100
	mixed := func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/organizations" {
			unauthorized(rw, r)
		}
	}
	for name, c := range map[string]struct {
		api     http.HandlerFunc
		atOnce  bool
		bothWay bool
	}{
		"in turn":        {api: unauthorized},
		"at once":        {api: unauthorized, atOnce: true},
		"mixed, in turn": {api: mixed, bothWay: true},
		"mixed, at once": {api: mixed, atOnce: true, bothWay: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, serving(c.api))
			send := func(i int) {
				path := "/always"
				if c.bothWay && i%2 == 0 {
					path = "/v1/organizations"
				}
				req, _ := http.NewRequest(http.MethodGet, w.srv.APIURL+path, nil)
				status, err := w.send(req)
				if want := map[bool]int{true: 401, false: 200}[path == "/always"]; status != want || err != nil {
					t.Errorf("%s got %d, %v; want %d", path, status, err, want)
				}
			}
			var wg sync.WaitGroup
			for i := range n {
				if c.atOnce {
					wg.Go(func() { send(i) })
				} else {
					send(i)
				}
			}
			wg.Wait()
			w.wantTokenCalls(2)
		})
	}
}

func TestI10_StragglersDoNotStartAnotherReissue(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		// A request that first leaves with the reissued token, and is rejected
		// before the verdict on the replay.
		w.mustGet()
		first := make(chan struct{})
		go func() {
			req, _ := http.NewRequest(http.MethodGet, w.srv.APIURL+"/slow", nil)
			_, _ = w.send(req)
			close(first)
		}()
		settle(1500 * time.Millisecond) // its replay is on the way
		w.wantTokenCalls(2)
		w.mustGet() // another resource accepts the new token
		req, _ := http.NewRequest(http.MethodGet, w.srv.APIURL+"/fast", nil)
		if status, _ := w.send(req); status != 401 {
			t.Fatalf("got %d", status)
		}
		<-first
		w.wantTokenCalls(2)
	}, serving(func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/slow":
			time.Sleep(time.Second)
			unauthorized(rw, r)
		case "/fast":
			unauthorized(rw, r)
		}
	}))
}

func TestI10_ThePauseDoublesAndARevocationInsideIsNoticedAfter(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		var calls []time.Duration
		start := time.Now()
		for time.Since(start) < 200*time.Second {
			before := w.srv.Counts().TokenCalls
			if status, err := w.get(); status != 401 || err != nil {
				t.Fatalf("got %d, %v", status, err)
			}
			if n := w.srv.Counts().TokenCalls; n > before {
				calls = append(calls, time.Since(start).Round(time.Second))
			}
			time.Sleep(100 * time.Millisecond)
		}
		want := []time.Duration{0, 1, 3, 7, 15, 31, 63, 123, 183} // 1 s doubling to 60 s
		if len(calls) != len(want) {
			t.Fatalf("reissues at %v, want %v", calls, want)
		}
		for i, c := range calls {
			if d := (c - want[i]*time.Second).Abs(); d > time.Second {
				t.Fatalf("reissues at %v, want %v", calls, want)
			}
		}
	}, serving(unauthorized))

	var broken atomic.Bool
	broken.Store(true)
	inBubble(t, func(t *testing.T, w *world) {
		if status, _ := w.get(); status != 401 {
			t.Fatalf("got %d", status)
		}
		broken.Store(false)
		w.srv.RevokeAll() // for real, inside the pause
		if status, _ := w.get(); status != 401 {
			t.Fatalf("got %d inside the pause, want the server's 401", status)
		}
		w.wantTokenCalls(2)
		settle(time.Second)
		w.mustGet()
		w.wantTokenCalls(3)
	}, serving(func(rw http.ResponseWriter, r *http.Request) {
		if broken.Load() {
			unauthorized(rw, r)
		}
	}))
}

func TestI10_OnlyAnAcceptedReplayEndsThePause(t *testing.T) {
	api := rejecting("/always")
	always := func(w *world) int {
		req, _ := http.NewRequest(http.MethodGet, w.srv.APIURL+"/always", nil)
		status, _ := w.send(req)
		return status
	}
	inBubble(t, func(t *testing.T, w *world) {
		always(w) // the pause begins
		for range 9 {
			w.mustGet() // success without a replay
			always(w)
			settle(100 * time.Millisecond)
		}
		w.wantTokenCalls(2)
	}, serving(api))

	inBubble(t, func(t *testing.T, w *world) {
		w.mustGet()
		first := w.token()
		// A request leaves with the first token and is rejected only when the
		// pause has begun: its replay is accepted and ends it.
		held, release := make(chan struct{}), make(chan struct{})
		base := w.srv.Transport()
		var once sync.Once
		w.client.Transport.(*authtrip.Transport).Base = roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/v1/organizations" {
				once.Do(func() {
					close(held)
					<-release
				})
			}
			return base.RoundTrip(r)
		})
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = w.get()
		}()
		<-held
		always(w)
		w.wantTokenCalls(2)
		w.srv.Revoke(first)
		always(w)
		w.wantTokenCalls(2) // the pause runs
		close(release)
		<-done
		always(w)
		w.wantTokenCalls(3)
	}, serving(api))
}

func TestI10_AServerThatEndsOldTokensWhenItIssuesNewOnesIsNotAskedWithoutBound(t *testing.T) {
	// One resource always rejects. Its reissues end the token that requests to
	// another resource left with: those are replayed, and accepted.
	inBubble(t, func(t *testing.T, w *world) {
		base := w.srv.Transport()
		w.client.Transport.(*authtrip.Transport).Base = roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path != "/always" {
				time.Sleep(50 * time.Millisecond) // on its way
			}
			return base.RoundTrip(r)
		})
		w.revokeOnIssue.Store(true)
		start := time.Now()
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				for time.Since(start) < time.Minute {
					w.mustNotFail()
				}
			})
		}
		for time.Since(start) < time.Minute {
			req, _ := http.NewRequest(http.MethodGet, w.srv.APIURL+"/always", nil)
			_, _ = w.send(req)
			time.Sleep(10 * time.Millisecond)
		}
		wg.Wait()
		if n := w.srv.Counts().TokenCalls; n > 130 {
			t.Fatalf("%d token calls in a minute, want about two a second at most", n)
		}
	}, serving(rejecting("/always")))
}

func TestI10_BodiesThatCannotBeReplayedCostTwoCallsToo(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		for range 100 {
			req := mustRequest(t, http.MethodPost, w.srv.APIURL+"/", io.MultiReader(strings.NewReader("once")))
			if status, err := w.send(req); status != 401 || err != nil {
				t.Fatalf("got %d, %v", status, err)
			}
		}
		w.wantTokenCalls(2)
	}, serving(unauthorized))
}

// stream is a POST whose body cannot be had again.
func (w *world) stream(path string) int {
	w.t.Helper()
	status, err := w.send(mustRequest(w.t, http.MethodPost, w.srv.APIURL+path, io.MultiReader(strings.NewReader("once"))))
	if err != nil {
		w.t.Fatal(err)
	}
	return status
}

func TestI10_BodiesThatCannotBeReplayedAreBoundedBesideSuccesses(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		for range 100 { // four minutes
			w.mustGet()
			if status := w.stream("/bad"); status != 401 {
				t.Fatalf("got %d", status)
			}
			w.mustGet()
			settle(2400 * time.Millisecond)
			w.mustGet()
		}
		if n := w.srv.Counts().TokenCalls; n > 12 {
			t.Fatalf("%d token calls in four minutes, want the pauses: 1 s doubling to 60 s", n)
		}
	}, serving(rejecting("/bad")))
}

func TestI10_ARevocationLongAfterAnUnreplayedOneIsNoticedAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.mustGet()
		w.srv.RevokeAll()
		if status := w.stream("/"); status != 401 {
			t.Fatalf("got %d", status)
		}
		w.mustGet() // with its successor, which no replay ever judges
		settle(time.Hour)
		w.srv.RevokeAll()
		if got := w.all(100); got[200] != 100 {
			t.Fatalf("statuses %v, want 100 of 200", got)
		}
		w.wantTokenCalls(3)
	})
}

func TestI10_ARenewalFromBeforeTheRevocationIsNotBlamedForIt(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.srv.SetLifetime(time.Minute)
		w.mustGet()
		settle(45 * time.Second)
		w.delayReply.Store(int64(time.Second)) // issued at once, and long on its way
		w.mustGet()                            // the renewal starts
		settle(500 * time.Millisecond)
		w.delayReply.Store(0)
		w.srv.RevokeAll()
		// The first has two tokens rejected: that is as often as it is sent.
		if status, err := w.get(); status != 401 || err != nil {
			t.Fatalf("got %d, %v", status, err)
		}
		for range 10 {
			w.mustGet()
		}
		w.wantTokenCalls(3)
	}, exactly)
}

func TestI06_ABodyThatCannotBeReplayedWaitsLongerForASlowServer(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.mustGet()
		w.srv.Break(authtest.Fault{Delay: 1500 * time.Millisecond})
		w.srv.RevokeAll()
		rejected := make(chan struct{})
		go func() {
			defer close(rejected)
			w.mustNotFail()
		}()
		synctest.Wait()
		if status := w.stream("/"); status != 200 {
			t.Fatalf("got %d; sent with the suspect though another was to be had", status)
		}
		<-rejected
		w.wantTokenCalls(2)
	})
}

func TestI10_AVerdictThatComesAfterThePauseBeginsItAnew(t *testing.T) {
	api := func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			time.Sleep(2500 * time.Millisecond)
		}
		unauthorized(rw, r)
	}
	for name, c := range map[string]struct {
		at   time.Duration // of a request whose rejection is at once
		want int           // token calls after it
	}{
		"before the verdict on the replay": {4 * time.Second, 2},
		"after it":                         {5200 * time.Millisecond, 2},
		"when that pause is over too":      {6100 * time.Millisecond, 3},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				done := make(chan struct{})
				go func() { // rejected at 2.5 s; a pause to 3.5 s; rejected again at 5 s
					defer close(done)
					_, _ = w.send(mustRequest(t, http.MethodGet, w.srv.APIURL+"/slow", nil))
				}()
				settle(c.at)
				if status, err := w.send(mustRequest(t, http.MethodGet, w.srv.APIURL+"/fast", nil)); status != 401 || err != nil {
					t.Fatalf("got %d, %v", status, err)
				}
				<-done
				w.wantTokenCalls(c.want)
			}, serving(api))
		})
	}
}

func TestI10_UnreplayableRequestsKeepThePausesTimes(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		for range 80 { // eight seconds
			w.stream("/")
			settle(100 * time.Millisecond)
		}
		w.wantTokenCalls(5) // the first, and reissues at about 0, 1, 3 and 7 s
	}, serving(unauthorized))
}

func TestI10_PausesGrowShortAgainWithTime(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		for range 8 { // revoked for real, and never judged by a replay
			w.mustGet()
			w.srv.RevokeAll()
			w.stream("/")
			w.mustGet()
			settle(10 * time.Minute)
		}
		w.srv.RevokeAll()
		w.stream("/")
		w.mustGet()
		settle(2 * time.Second)
		w.srv.RevokeAll()
		w.stream("/")
		w.mustGet() // noticed, for the pause was of 1 s
	})
}

func TestI10_ReplaysWithoutAVerdictAreBounded(t *testing.T) {
	// The API takes so long to reject that the replay never has time to.
	inBubble(t, func(t *testing.T, w *world) {
		start := time.Now()
		for range 100 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			_, _ = w.getWithin(ctx)
			cancel()
		}
		minute := time.Since(start).Minutes()
		if n := w.srv.Counts().TokenCalls; n > 10 {
			t.Fatalf("%d token calls in %.1f minutes, want the pauses: 1 s, 2 s, …", n, minute)
		}
		settle(time.Second) // the API's last answer
	}, serving(func(rw http.ResponseWriter, r *http.Request) {
		time.Sleep(600 * time.Millisecond)
		unauthorized(rw, r)
	}))
}

func TestI10_TheSameTokenAgainIsNotAskedForWithoutBound(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.token()
		w.srv.Break(authtest.Fault{SameToken: true})
		for range 600 { // a minute
			if status, err := w.get(); status != 401 || err != nil {
				t.Fatalf("got %d, %v", status, err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		// The first, and reissues after 0, 1, 3, 7, 15 and 31 seconds.
		w.wantTokenCalls(7)
	}, serving(unauthorized))
}

func TestI10_ASlowReplayHidesNoRevocation(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.mustGet()
		w.srv.RevokeAll()
		ctx, cancel := context.WithCancel(t.Context())
		polled := make(chan struct{})
		go func() {
			defer close(polled)
			req := mustRequest(t, http.MethodGet, w.srv.APIURL+"/poll", nil)
			_, _ = w.send(req.WithContext(ctx)) // its replay has no verdict for long
		}()
		for range 3 {
			settle(time.Second)
			w.mustGet()
		}
		w.srv.RevokeAll()
		if got := w.all(100); got[200] != 100 {
			t.Fatalf("statuses %v, want 100 of 200", got)
		}
		w.wantTokenCalls(3)
		cancel()
		<-polled
	}, serving(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/poll" {
			<-r.Context().Done()
		}
	}))
}

func TestI10_AnAcceptedReplayMakesTheNextPauseShort(t *testing.T) {
	var broken atomic.Bool
	inBubble(t, func(t *testing.T, w *world) {
		w.mustGet()
		broken.Store(true)
		for range 8 { // pauses of 1, 2 and 4 s
			_, _ = w.get()
			settle(time.Second)
		}
		broken.Store(false)
		settle(10 * time.Second)
		w.srv.RevokeAll()
		w.mustGet() // an accepted replay
		settle(2 * time.Second)
		w.mustGet()
		broken.Store(true)
		_, _ = w.get()
		before := w.srv.Counts().TokenCalls
		settle(1100 * time.Millisecond)
		_, _ = w.get()
		w.wantTokenCalls(before + 1)
	}, serving(func(rw http.ResponseWriter, r *http.Request) {
		if broken.Load() {
			unauthorized(rw, r)
		}
	}))
}

func TestI06_AServerThatHangsTakesNoWorkingTokenFromAnybody(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.mustGet()
		w.srv.Break(authtest.Fault{Hang: true})
		odd := make(chan struct{})
		go func() {
			defer close(odd)
			_, _ = w.send(mustRequest(t, http.MethodGet, w.srv.APIURL+"/odd", nil))
		}()
		synctest.Wait()
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				start := time.Now()
				if status, err := w.getWithin(ctx); status != 200 || time.Since(start) > time.Second {
					t.Errorf("got %d, %v after %v; want 200 after a second at most", status, err, time.Since(start))
				}
			})
		}
		wg.Wait()
		start := time.Now()
		if w.mustGet(); time.Since(start) != 0 {
			t.Errorf("later requests still wait")
		}
		<-odd
	}, serving(rejecting("/odd")))
}

func TestI06_AFailedFlightFromBeforeTheRejectionDoesNotAnswerForIt(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.srv.SetLifetime(time.Minute)
		w.mustGet()
		settle(45 * time.Second)
		w.srv.Break(authtest.Fault{Reset: true, Delay: 500 * time.Millisecond, Times: 3}) // one flight's attempts
		w.mustGet()                                                                       // a renewal starts behind, and will fail
		settle(time.Second)
		w.srv.RevokeAll()
		if status, err := w.get(); status != 200 || err != nil {
			t.Fatalf("got %d, %v, %v; want a flight of its own", status, err, w.whyNotReplayed())
		}
	}, exactly)
}

func TestI06_WhileAnOldFlightSettlesTheRejectionStands(t *testing.T) {
	for name, old := range map[string]authtest.Fault{
		"with the same token": {SameToken: true, Delay: 1500 * time.Millisecond, Times: 1},
		"with a failure":      {Body: "<html>", Status: 500, RetryAfter: "0", Delay: 500 * time.Millisecond, Times: 3},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				w.srv.SetLifetime(time.Minute)
				w.mustGet()
				first := w.token()
				settle(45 * time.Second)
				base := w.srv.Transport()
				sentWithFirst := atomic.Int32{}
				w.client.Transport.(*authtrip.Transport).Base = roundTripFunc(func(r *http.Request) (*http.Response, error) {
					if r.Header.Get("X-Nhn-Authorization") != "Bearer "+first {
						return base.RoundTrip(r)
					}
					sentWithFirst.Add(1)
					if r.URL.Path == "/late" {
						time.Sleep(2200 * time.Millisecond)
					}
					return &http.Response{StatusCode: 401, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
				})
				w.srv.Break(old)
				if _, err := w.src.Token(t.Context()); err != nil { // a renewal starts behind
					t.Fatal(err)
				}
				synctest.Wait()
				var wg sync.WaitGroup
				send := func(path string) {
					wg.Go(func() {
						if status, err := w.send(mustRequest(t, http.MethodGet, w.srv.APIURL+path, nil)); status != 200 || err != nil {
							t.Errorf("%s got %d, %v; want 200", path, status, err)
						}
					})
				}
				send("/late") // rejected at 2.2 s
				synctest.Wait()
				send("/early") // rejected now: waits for the old flight, then for its own
				settle(1900 * time.Millisecond)
				w.srv.Break(authtest.Fault{}) // the flight after it is under way or done
				send("/new")
				wg.Wait()
				if n := sentWithFirst.Load(); n != 2 {
					t.Errorf("%d requests were sent with the suspect, want the two from before", n)
				}
			}, exactly)
		})
	}
}

func TestI04_ATokenThatNeverChangesIsBelievedForANewLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &replies{bodies: []string{`{"access_token":"static","expires_in":3600}`}}
		src := newSource(t, registration(), authtrip.WithTokenTransport(r))
		for range 10 * 60 { // ten hours
			if _, err := src.Token(t.Context()); err != nil {
				t.Fatal(err)
			}
			settle(time.Minute)
		}
		// One a lifetime, and those at half the time left before its end.
		if r.calls > 100 {
			t.Fatalf("%d token calls in ten hours", r.calls)
		}
	})
}

// TestI10_WhoComesLateToTheSameTokenAgainDoesNotAskAgain: many requests find
// the token suspect, and some come to the flight just after it ended.
func TestI10_WhoComesLateToTheSameTokenAgainDoesNotAskAgain(t *testing.T) {
	for range 300 {
		synctest.Test(t, func(t *testing.T) {
			tokens := &replies{bodies: []string{`{"access_token":"same","expires_in":3600}`}}
			src := newSource(t, registration(), authtrip.WithTokenTransport(tokens))
			client := &http.Client{Transport: &authtrip.Transport{Source: src, Base: roundTripFunc(func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: 401, Body: http.NoBody}, nil
			})}}
			var all sync.WaitGroup
			for range 100 {
				all.Go(func() {
					res, err := client.Get("https://api.example/")
					if err != nil {
						t.Error(err)
						return
					}
					_ = res.Body.Close()
				})
			}
			all.Wait()
			tokens.mu.Lock()
			defer tokens.mu.Unlock()
			if tokens.calls != 2 {
				t.Fatalf("%d token calls, want the first and one for another", tokens.calls)
			}
		})
	}
}
