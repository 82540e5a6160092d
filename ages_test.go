package authtrip_test

import (
	"math"
	"net/http"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
)

// exactly removes the spread of renewals, so that times can be told.
var exactly = with(authtrip.Policy{RenewSpread: -1})

// settle waits until what runs behind the requests is done.
func settle(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestI04_AMinutesTokenIsUsedForMostOfItsLife(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.srv.SetLifetime(time.Minute)
		w.mustGet()
		settle(40*time.Second - time.Millisecond)
		w.mustGet()
		w.wantTokenCalls(1) // fresh
		settle(time.Millisecond)
		w.mustGet()
		synctest.Wait()
		w.wantTokenCalls(2) // stale: renewed behind
	}, exactly)
}

func TestI04_RenewalIsSpread(t *testing.T) {
	first, last := time.Hour, time.Duration(0)
	for range 40 {
		inBubble(t, func(t *testing.T, w *world) {
			w.srv.SetLifetime(300 * time.Second)
			w.mustGet()
			start := time.Now()
			for w.srv.Counts().TokenCalls == 1 {
				settle(time.Second)
				w.mustGet()
				synctest.Wait()
			}
			first, last = min(first, time.Since(start)), max(last, time.Since(start))
		})
	}
	if first < 190*time.Second || last > 211*time.Second || last-first < 5*time.Second {
		t.Fatalf("renewals from %v to %v, want them spread within 200s ± 5%%", first, last)
	}
}

func TestI04_StaleRequestsDoNotWaitForTheRenewal(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.srv.SetLifetime(time.Minute)
		w.mustGet()
		w.srv.Break(authtest.Fault{Delay: 2 * time.Second})
		settle(45 * time.Second)
		start := time.Now()
		if got := w.all(200); got[200] != 200 {
			t.Fatalf("statuses %v", got)
		}
		if took := time.Since(start); took != 0 {
			t.Fatalf("requests with a stale token waited %v", took)
		}
		settle(3 * time.Second)
		w.wantTokenCalls(2)
	}, exactly)
}

func TestI04_OneGoroutineRenewsBehindManyRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		r := &replies{bodies: []string{`{"access_token":"a","expires_in":60}`}}
		src := newSource(t, registration(), authtrip.WithTokenTransport(roundTripFunc(func(req *http.Request) (*http.Response, error) {
			if r.calls == 1 {
				<-release
			}
			return r.RoundTrip(req)
		})))
		before := 0
		for i := range 1000 {
			if _, err := src.Token(t.Context()); err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				settle(45 * time.Second)
				before = runtime.NumGoroutine()
			}
		}
		synctest.Wait()
		if n := runtime.NumGoroutine() - before; n > 10 {
			t.Errorf("%d goroutines renew one token", n)
		}
		close(release)
		synctest.Wait()
	})
}

func TestI04_AnExpiredTokenIsWaitedForAndNeverSent(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.srv.SetLifetime(time.Minute)
		w.mustGet()
		w.srv.Break(authtest.Fault{Delay: 2 * time.Second})
		settle(54 * time.Second) // a tenth of the lifetime before its end
		start := time.Now()
		w.mustGet()
		if took := time.Since(start); took != 2*time.Second {
			t.Fatalf("waited %v, want the endpoint's 2s", took)
		}
		w.wantCounts(authtest.Counts{TokenCalls: 2, Issued: 2, Accepted: 2})
	}, exactly)
}

func TestI04_ADaysTokenRidesOutSevenHoursOfOutage(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.mustGet()
		settle(24*time.Hour - 7*time.Hour - time.Minute)
		w.srv.Break(authtest.Fault{Reset: true})
		for range 7 * 60 { // a request a minute
			w.mustGet()
			settle(time.Minute)
		}
		outage := w.srv.Counts().TokenCalls
		w.srv.Heal()
		w.mustGet() // starts the renewal
		settle(time.Minute)
		w.mustGet()
		settle(time.Hour)
		w.mustGet()
		if c := w.srv.Counts(); c.Rejected != 0 || c.Issued != 2 {
			t.Fatalf("%+v; want 2 tokens issued and none rejected", c)
		}
		if outage > 1+7*60 {
			t.Fatalf("%d token calls in 7 hours of outage, want one a minute at most", outage)
		}
	})
}

func TestI04_ATwoSecondTokenRenewsUnnoticed(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.srv.SetLifetime(2 * time.Second)
		w.mustGet()
		w.srv.Break(authtest.Fault{Delay: 300 * time.Millisecond})
		for range 1200 { // 12 s
			start := time.Now()
			w.mustGet()
			if took := time.Since(start); took != 0 {
				t.Fatalf("a request waited %v", took)
			}
			time.Sleep(10 * time.Millisecond)
		}
		if c := w.srv.Counts(); c.Rejected != 0 || c.TokenCalls > 10 {
			t.Fatalf("%+v; want no rejection and 10 token calls at most", c)
		}
	})
}

func TestI04_AFailedRenewalIsTriedAgainEverLater(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.srv.SetLifetime(10 * time.Minute)
		w.mustGet()
		settle(400 * time.Second)
		w.srv.Break(authtest.Fault{Status: 400})
		var calls []time.Duration
		start := time.Now()
		for time.Since(start) < 140*time.Second {
			before := w.srv.Counts().TokenCalls
			w.mustGet()
			settle(50 * time.Millisecond)
			if w.srv.Counts().TokenCalls > before {
				calls = append(calls, time.Since(start))
			}
		}
		// 1 s doubling to 60 s, each ± 10 %.
		want := []time.Duration{0, 1, 3, 7, 15, 31, 63, 123}
		if len(calls) != len(want) {
			t.Fatalf("token calls at %v, want at about %v seconds", calls, want)
		}
		for i := range want {
			if d := (calls[i] - want[i]*time.Second).Abs(); d > want[i]*time.Second/10+time.Second/5*time.Duration(i+1) {
				t.Fatalf("token calls at %v, want at about %v seconds", calls, want)
			}
		}
	}, exactly)
}

func TestI04_AnUnknownLifetimeIsUsedUntilRejected(t *testing.T) {
	for _, body := range []string{
		`{"access_token":"a"}`, `{"access_token":"a","expires_in":null}`, `{"access_token":"a","expires_in":0}`,
		`{"access_token":"a","expires_in":"0"}`,
	} {
		synctest.Test(t, func(t *testing.T) {
			r := &replies{bodies: []string{body}}
			src := newSource(t, registration(), authtrip.WithTokenTransport(r))
			for range 3 {
				tok, err := src.Token(t.Context())
				if err != nil || !tok.Expiry().IsZero() {
					t.Fatalf("%s: %v, expiry %v", body, err, tok.Expiry())
				}
				settle(1000 * time.Hour)
			}
			if r.calls != 1 {
				t.Fatalf("%s: %d token calls, want 1", body, r.calls)
			}
		})
	}
}

func TestI04_NoTimeRemainingIsNotAnUnknownLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &replies{bodies: []string{`{"access_token":"a","expires_in":0}`, `{"access_token":"b","expires_in":60}`}}
		reg := registration()
		reg.ExpiresInRemains = true
		src := newSource(t, reg, authtrip.WithTokenTransport(r))
		if _, err := src.Token(t.Context()); err != nil {
			t.Fatalf("the token's last moment is not used: %v", err)
		}
		if tok, err := src.Token(t.Context()); err != nil || tok.AccessToken() != "b" {
			t.Fatalf("got another token: %v, error %v; want one", tok.AccessToken() == "b", err)
		}
	})
}

func TestI04_LifetimeCountsFromBeforeTheRequest(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.srv.SetLifetime(time.Minute)
		w.srv.Break(authtest.Fault{Delay: 3 * time.Second})
		start := time.Now()
		tok, err := w.src.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if d := tok.Expiry().Sub(start); d != 54*time.Second {
			t.Fatalf("used for %v from before the request, want 54s", d)
		}
	})
}

func TestI04_TheSameTokenAgainGetsNoYounger(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.srv.SetLifetime(time.Minute)
		w.mustGet()
		first := w.token()
		w.srv.Break(authtest.Fault{SameToken: true})
		var calls []time.Duration
		start := time.Now()
		for time.Since(start) < 59*time.Second {
			before := w.srv.Counts().TokenCalls
			w.mustGet()
			synctest.Wait()
			if w.srv.Counts().TokenCalls > before {
				calls = append(calls, time.Since(start).Round(time.Second))
			}
			settle(100 * time.Millisecond)
		}
		if w.token() != first {
			t.Fatal("the emulator was to give the same token again")
		}
		// Stale at 40 s with 14 s left: again after half the time left, 1 s at
		// least; past 54 s the server's word counts for 1 s each.
		if len(calls) < 5 || len(calls) > 12 || calls[0] != 40*time.Second || calls[1] != 47*time.Second {
			t.Fatalf("token calls at %v", calls)
		}
		settle(2 * time.Second) // really expired: the server issues another
		w.mustGet()
		if w.token() == first {
			t.Fatal("the expired token is still used")
		}
		if c := w.srv.Counts(); c.Rejected != 0 {
			t.Fatalf("%d requests were sent with an expired token", c.Rejected)
		}
	}, exactly)
}

func TestI05_ASuspendedMachineWakesUpHonest(t *testing.T) {
	step := authtrip.StepWallClock(t)
	inBubble(t, func(t *testing.T, w *world) {
		w.srv.SetLifetime(time.Hour)
		w.mustGet()
		step(2 * time.Hour) // the monotonic clock stood still meanwhile
		w.srv.RevokeAll()   // the server's clock did not
		w.mustGet()
		w.wantCounts(authtest.Counts{TokenCalls: 2, Issued: 2, Accepted: 2})
	})
}

func TestI05_AWallClockSetBackKeepsNoTokenAlive(t *testing.T) {
	step := authtrip.StepWallClock(t)
	inBubble(t, func(t *testing.T, w *world) {
		w.srv.SetLifetime(time.Hour)
		w.mustGet()
		step(-24 * time.Hour)
		settle(59*time.Minute + 51*time.Second)
		w.mustGet()
		w.wantCounts(authtest.Counts{TokenCalls: 2, Issued: 2, Accepted: 2})
	})
}

func TestI05_AClockSetForthAndBackDoesNotStopRenewal(t *testing.T) {
	step := authtrip.StepWallClock(t)
	inBubble(t, func(t *testing.T, w *world) {
		w.srv.SetLifetime(time.Hour)
		w.mustGet()
		w.srv.Break(authtest.Fault{Status: 400})
		step(50 * time.Minute)
		w.mustGet() // stale by the wall clock; the renewal fails
		synctest.Wait()
		step(0)
		w.srv.Heal()
		settle(45 * time.Minute)
		w.mustGet()
		synctest.Wait()
		w.wantTokenCalls(3)
	})
}

func TestPolicyFaultsAreReportedTogether(t *testing.T) {
	_, err := authtrip.NewSource(registration(), authtrip.Policy{
		FetchTimeout: -1, RenewAt: 1, RenewSpread: 1, BreakerFailures: -1, BreakerDelay: time.Minute, BreakerMaxDelay: time.Second,
	})
	if err == nil {
		t.Fatal("a policy of faults is accepted")
	}
	if joined, ok := err.(interface{ Unwrap() []error }); !ok || len(joined.Unwrap()) == 0 {
		t.Fatalf("%v is not a joined error", err)
	}
	wantAll(t, err, "FetchTimeout", "RenewAt", "RenewSpread", "BreakerFailures", "BreakerMaxDelay")
	_, err = authtrip.NewSource(registration(), authtrip.Policy{FetchTimeout: math.MaxInt64})
	wantAll(t, err, "FetchTimeout", "a day at most") // all that is reckoned from it stays in range
}

// A figure that is the time remaining is believed, at a token's end too.
func TestI04_ATokenThatIsGivenAgainIsNotUsedForLongerThanItIsSaidToLive(t *testing.T) {
	for _, c := range []struct {
		left string
		held time.Duration
	}{{"0.4", 400 * time.Millisecond}, {"0.05", 100 * time.Millisecond}, {"0", 100 * time.Millisecond}, {"30", time.Second}} {
		t.Run(c.left+" s left", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := registration()
				r.ExpiresInRemains = true
				src := newSource(t, r, authtrip.WithTokenTransport(&replies{bodies: []string{
					`{"access_token":"old","expires_in":10}`, `{"access_token":"old","expires_in":` + c.left + `}`, `{"access_token":"new","expires_in":10}`,
				}}))
				is := func(want string) {
					t.Helper()
					tok, err := src.Token(t.Context())
					if err != nil || tok.AccessToken() != want {
						t.Fatalf("token %q, %v, want %q", tok.AccessToken(), err, want)
					}
				}
				is("old")
				time.Sleep(9 * time.Second) // it is expired, and given again
				is("old")
				time.Sleep(c.held - time.Millisecond)
				is("old")
				time.Sleep(2 * time.Millisecond)
				is("new")
			})
		})
	}
}

// A server that says so for ever is not asked ten times a second.
func TestI04_ATokenThatIsGivenAgainWithNoTimeLeftIsAskedForEverLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := registration()
		r.ExpiresInRemains = true
		tokens := &replies{bodies: []string{`{"access_token":"old-token","expires_in":10}`, `{"access_token":"old-token","expires_in":0}`}}
		src := newSource(t, r, authtrip.WithTokenTransport(tokens))
		for range 7000 { // 70 s
			if _, err := src.Token(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Millisecond)
		}
		if tokens.calls > 70 {
			t.Errorf("%d token calls in 70 s", tokens.calls)
		}
	})
}
