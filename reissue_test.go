package authtrip_test

import (
	"context"
	"errors"
	"fmt"
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

// unauthorized is an API that rejects every token.
func unauthorized(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusUnauthorized)
}

// rejecting is an API with one resource that rejects every token.
func rejecting(path string) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == path {
			unauthorized(rw, r)
		}
	}
}

func TestI06_FiveHundredInFlightOneReissueAndNobodySeesA401(t *testing.T) {
	w := newWorld(t)
	w.mustGet()
	// All 500 have their token before the server revokes it: the base holds
	// them back.
	const n = 500
	var held atomic.Int32
	allHeld, revoked := make(chan struct{}), make(chan struct{})
	w.client.Transport.(*authtrip.Transport).Base = roundTripFunc(func(r *http.Request) (*http.Response, error) {
		switch i := held.Add(1); {
		case i == n:
			close(allHeld)
			fallthrough
		case i < n:
			<-revoked
		}
		return w.srv.Transport().RoundTrip(r)
	})
	var got map[int]int
	var wg sync.WaitGroup
	wg.Go(func() { got = w.all(n) })
	<-allHeld
	w.srv.RevokeAll()
	close(revoked)
	wg.Wait()
	if got[200] != n {
		t.Fatalf("statuses %v, want %d of 200", got, n)
	}
	w.wantCounts(authtest.Counts{TokenCalls: 2, Issued: 2, Accepted: n + 1, Rejected: n})
}

func TestI06_RevokedUnderLoadOverAndOver(t *testing.T) {
	w := newWorld(t)
	w.token()
	// Each round has one revocation: a request that met two would have been
	// sent twice by then, and its second 401 is its answer.
	for round := range 5 {
		before := w.srv.Counts()
		revoked := make(chan struct{})
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				for after := 0; after < 5; {
					if status, err := w.get(); status != 200 || err != nil {
						t.Errorf("status %d, error %v; %v", status, err, w.whyNotReplayed())
					}
					select {
					case <-revoked:
						after++
					default:
					}
				}
			})
		}
		for w.srv.Counts().Accepted < before.Accepted+200 {
			w.mustGet()
		}
		w.srv.RevokeAll()
		close(revoked)
		wg.Wait()
		if c := w.srv.Counts(); c.TokenCalls != round+2 || c.Concurrent != 1 || c.Rejected == before.Rejected {
			t.Fatalf("round %d: %+v; want one more token call, one at a time, and rejections", round, c)
		}
	}
}

func TestI06_ALateRejectionOfAnOldTokenMakesNoCall(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		release := make(chan struct{})
		w.client.Transport.(*authtrip.Transport).Base = roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if r.Header.Get("X-Late") != "" {
				<-release
			}
			return w.srv.Transport().RoundTrip(r)
		})
		w.mustGet()
		req, _ := http.NewRequest(http.MethodGet, w.srv.APIURL+"/late", nil)
		req.Header.Set("X-Late", "1")
		done := make(chan int)
		go func() {
			status, _ := w.send(req)
			done <- status
		}()
		synctest.Wait()
		w.srv.RevokeAll()
		w.mustGet() // reissues
		w.wantTokenCalls(2)
		close(release)
		if status := <-done; status != 200 {
			t.Fatalf("the late request got %d, want 200", status)
		}
		w.wantTokenCalls(2)
	})
}

func TestI06_AFlightFromBeforeTheRejectionDoesNotAnswerForIt(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.srv.SetLifetime(time.Minute)
		w.mustGet()
		settle(45 * time.Second)
		// A renewal starts behind this request and will bring the same token.
		w.srv.Break(authtest.Fault{SameToken: true, Delay: 2 * time.Second, Times: 1})
		w.mustGet()
		synctest.Wait()
		w.wantTokenCalls(2)
		settle(time.Second)
		// Now the API rejects the token, though the authorization server
		// still gives it: as one odd replica would.
		rejectOnce := atomic.Bool{}
		base := w.srv.Transport()
		w.client.Transport.(*authtrip.Transport).Base = roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if rejectOnce.CompareAndSwap(false, true) {
				return &http.Response{StatusCode: 401, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
			}
			return base.RoundTrip(r)
		})
		w.mustGet()
		w.wantTokenCalls(3) // the flight that was there, and one for the rejection
		if c := w.srv.Counts(); c.Issued != 2 {
			t.Fatalf("%+v, want 2 tokens issued", c)
		}
	}, exactly)
}

func TestI06_AFlightThatBroughtAnotherTokenAnswers(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.srv.SetLifetime(time.Minute)
		w.mustGet()
		settle(45 * time.Second)
		w.srv.Break(authtest.Fault{Delay: 2 * time.Second})
		w.mustGet() // the renewal starts
		synctest.Wait()
		w.srv.RevokeAll()
		start := time.Now()
		w.mustGet()
		if took := time.Since(start); took != 2*time.Second {
			t.Fatalf("waited %v, want for the renewal under way, 2s", took)
		}
		w.wantTokenCalls(2)
	}, exactly)
}

func TestI06_OneOdd401InAnOutageTakesNothingFromAnybody(t *testing.T) {
	for name, f := range map[string]authtest.Fault{
		"down":        {Reset: true},
		"hangs":       {Hang: true},
		"says no":     {Status: 400},
		"is busy":     {Status: 429, RetryAfter: "30"},
		"same token":  {SameToken: true},
		"maintenance": {Body: "<html>"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				w.mustGet()
				w.srv.Break(f)
				odd, _ := http.NewRequest(http.MethodGet, w.srv.APIURL+"/odd", nil)
				if status, err := w.send(odd); status != 401 || err != nil {
					t.Fatalf("the odd one got %d, %v; want the server's 401", status, err)
				}
				if w.whyNotReplayed() == nil {
					t.Fatal("the hook was not told")
				}
				for range 100 {
					start := time.Now()
					w.mustGet()
					if took := time.Since(start); took != 0 {
						t.Fatalf("a request waited %v", took)
					}
					settle(100 * time.Millisecond)
				}
				w.srv.Heal()
				settle(time.Minute)
				w.mustGet() // tries behind
				settle(2 * time.Minute)
				w.mustGet()
			}, serving(rejecting("/odd")))
		})
	}
}

func TestI06_ASuspectTokenIsWaitedForOnceThenServed(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.mustGet()
		w.srv.Break(authtest.Fault{Status: 500, Delay: time.Second})
		odd, _ := http.NewRequest(http.MethodGet, w.srv.APIURL+"/odd", nil)
		go func() { _, _ = w.send(odd) }()
		settle(time.Millisecond)
		start := time.Now()
		w.mustGet() // waits for the reissue, and goes on with the suspect
		if took := time.Since(start); took < time.Second {
			t.Fatalf("waited %v; whoever needs a token next waits for the reissue", took)
		}
	}, serving(rejecting("/odd")))
}

func TestI06_ASuspectTokenIsUsedUntilItExpires(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.srv.SetLifetime(time.Minute)
		w.mustGet()
		w.srv.Break(authtest.Fault{Status: 400})
		odd, _ := http.NewRequest(http.MethodGet, w.srv.APIURL+"/odd", nil)
		if status, _ := w.send(odd); status != 401 {
			t.Fatalf("got %d", status)
		}
		settle(53 * time.Second)
		w.mustGet()
		settle(2 * time.Second)
		if status, err := w.get(); err == nil {
			t.Fatalf("an expired token was sent: %d", status)
		}
	}, serving(rejecting("/odd")))
}

func TestI06_InvalidateDropsOutright(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		old, err := w.src.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		w.src.Invalidate(old)
		w.src.Invalidate(old)
		w.src.Invalidate(authtrip.Token{})
		w.srv.Break(authtest.Fault{Reset: true})
		if _, err := w.get(); err == nil {
			t.Fatal("a dropped token was sent")
		}
		w.srv.Heal()
		settle(time.Minute)
		w.mustGet()
		current := w.token()
		w.src.Invalidate(old) // late
		if w.token() != current {
			t.Fatal("a late Invalidate dropped the wrong token")
		}
	})
}

func TestI06_AFlightFromBeforeInvalidateDoesNotBringTheTokenBack(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.srv.SetLifetime(time.Minute)
		old, err := w.src.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		settle(45 * time.Second)
		w.srv.Break(authtest.Fault{SameToken: true, Delay: time.Second, Times: 1})
		w.mustGet() // the renewal starts
		synctest.Wait()
		w.src.Invalidate(old)
		if got := w.token(); got == old.AccessToken() {
			t.Fatal("the dropped token came back")
		}
		w.wantTokenCalls(3)
	}, exactly)
}

func TestI06_RevokeDropsWhateverTheServerSays(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		if err := w.src.Revoke(t.Context()); err != nil {
			t.Fatalf("revoking nothing: %v", err)
		}
		w.mustGet()
		old := w.token()
		if err := w.src.Revoke(t.Context()); err != nil {
			t.Fatal(err)
		}
		if w.srv.Counts().Revocations != 1 {
			t.Fatal("the server was not asked")
		}
		w.mustGet()
		if w.token() == old {
			t.Fatal("the revoked token is still in use")
		}
		w.wantCounts(authtest.Counts{TokenCalls: 2, Issued: 2, Accepted: 2, Revocations: 1})
	})
	synctest.Test(t, func(t *testing.T) {
		r := registration()
		r.RevocationEndpoint.URL = "https://auth.example/revoke"
		issue := &replies{bodies: []string{`{"access_token":"first"}`, `{"access_token":"second"}`}}
		refuse := &replies{bodies: []string{`{"error":"unsupported_token_type"}`}, status: 400}
		src := newSource(t, r, authtrip.WithTokenTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/revoke" {
				return refuse.RoundTrip(r)
			}
			return issue.RoundTrip(r)
		})))
		if _, err := src.Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		err := src.Revoke(t.Context())
		var said *authtrip.ServerError
		if !errors.As(err, &said) || said.Code != "unsupported_token_type" || strings.Contains(err.Error(), "first") {
			t.Fatalf("got %v, want the server's error", err)
		}
		if tok, err := src.Token(t.Context()); err != nil || tok.AccessToken() != "second" {
			t.Fatalf("the token is still in use after Revoke (%v)", err)
		}
	})
}

func TestRevokeWithoutAnEndpointDropsTheTokenAndSaysSo(t *testing.T) {
	src := newSource(t, registration(), authtrip.WithTokenTransport(&replies{bodies: []string{`{"access_token":"a"}`, `{"access_token":"b"}`}}))
	for _, want := range []string{"a", "b"} {
		if tok, err := src.Token(t.Context()); err != nil || tok.AccessToken() != want {
			t.Fatalf("%q, %v; want %s", tok.AccessToken(), err, want)
		}
		wantAll(t, src.Revoke(t.Context()), `"test"`, "RevocationEndpoint", "dropped here")
	}
}

func TestI07_ARequestIsSentTwiceAtMost(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		if status, err := w.get(); status != 401 || err != nil {
			t.Fatalf("got %d, %v; want the second 401", status, err)
		}
		w.wantCounts(authtest.Counts{TokenCalls: 2, Issued: 2, Accepted: 2})
	}, serving(unauthorized))
}

func TestI07_ATokenEndpoints401DoesNotRecurse(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		_, err := w.src.Token(t.Context())
		var said *authtrip.ServerError
		if !errors.As(err, &said) || said.Status != 401 {
			t.Fatalf("got %v, want the endpoint's 401", err)
		}
		w.wantTokenCalls(1)
	}, changed(func(r *authtrip.Registration) { r.ClientSecret = authtrip.NewSecret("wrong") }))
}

func TestI07_OfNestedTransportsTheInnerPasses(t *testing.T) {
	copying := func(base http.RoundTripper) http.RoundTripper { // as otelhttp does
		return roundTripFunc(func(r *http.Request) (*http.Response, error) { return base.RoundTrip(r.Clone(r.Context())) })
	}
	same := func(base http.RoundTripper) http.RoundTripper { return base }
	for name, between := range map[string]func(http.RoundTripper) http.RoundTripper{"directly": same, "over a copy": copying} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				outer := w.client.Transport.(*authtrip.Transport)
				outer.Base = between(&authtrip.Transport{Source: w.src, Base: outer.Base})
				if status, _ := w.get(); status != 401 {
					t.Fatalf("got %d", status)
				}
				w.wantCounts(authtest.Counts{TokenCalls: 2, Issued: 2, Accepted: 2})
			}, serving(unauthorized))
		})
	}
}

func TestI07_TheInnerKnowsATokenThatWasReplacedOrDroppedMeanwhile(t *testing.T) {
	for name, meanwhile := range map[string]func(*world, authtrip.Token){
		"dropped":  func(w *world, tok authtrip.Token) { w.src.Invalidate(tok) },
		"replaced": func(w *world, tok authtrip.Token) { w.src.Invalidate(tok); w.token() },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				tok, err := w.src.Token(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				outer := w.client.Transport.(*authtrip.Transport)
				inner := &authtrip.Transport{Source: w.src, Base: outer.Base}
				outer.Base = roundTripFunc(func(r *http.Request) (*http.Response, error) {
					meanwhile(w, tok)
					return inner.RoundTrip(r)
				})
				if status, _ := w.get(); status != 401 {
					t.Fatalf("got %d", status)
				}
				if c := w.srv.Counts(); c.Accepted != 2 {
					t.Fatalf("%+v: sent %d times, want twice", c, c.Accepted)
				}
			}, serving(unauthorized))
		})
	}
}

func TestI07_AHeaderSetByTheCallerIsNoOuterTransport(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		tok := w.token()
		w.srv.RevokeAll()
		req, _ := http.NewRequest(http.MethodGet, w.srv.APIURL+"/", nil)
		req.Header.Set("x-nhn-authentication", "Bearer "+tok)
		if status, err := w.send(req); status != 200 || err != nil {
			t.Fatalf("got %d, %v; want full service: a reissue", status, err)
		}
	})
}

// A replay's late verdict on a token that is being replaced already does not
// shorten the pause that its successor begins.
func TestI10_ALateVerdictOnATokenThatIsBeingReplacedShortensNoPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		src := newSource(t, registration(), authtrip.WithTokenTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
			n := calls.Add(1)
			if n == 3 {
				time.Sleep(600 * time.Millisecond)
			}
			return jsonReply(r, 200, map[string]any{"access_token": fmt.Sprint("token-", n)}), nil
		})))
		var rejects atomic.Bool
		rt := &authtrip.Transport{Source: src, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
			status := 200
			if late := r.URL.Path == "/late"; late && r.Header.Get("Authorization") == "Bearer token-1" {
				time.Sleep(200 * time.Millisecond)
				status = 401
			} else if late {
				time.Sleep(2200 * time.Millisecond)
				status = 401
			} else if rejects.Load() {
				status = 401
			}
			return &http.Response{StatusCode: status, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
		})}
		get := func(path string, within time.Duration) {
			ctx, cancel := context.WithTimeout(t.Context(), within)
			defer cancel()
			_, _ = rt.RoundTrip(mustRequest(t, http.MethodGet, "https://api.example"+path, nil).WithContext(ctx))
		}
		tok, err := src.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		go get("/late", time.Minute) // rejected at 0.2 s, and its replay at 2.4 s
		synctest.Wait()
		src.Suspect(tok)
		get("/", time.Minute) // the first reissue: a pause of a second
		time.Sleep(2 * time.Second)
		rejects.Store(true)
		get("/", 500*time.Millisecond) // the second, which comes at 2.6 s: a pause of two seconds
		time.Sleep(200 * time.Millisecond)
		rejects.Store(false)
		get("/", time.Minute) // accepted
		rejects.Store(true)
		time.Sleep(time.Second)
		get("/", time.Minute)
		if n := calls.Load(); n != 3 {
			t.Errorf("%d token calls by 3.7 s, want 3: the pause is over at 4.6 s", n)
		}
		time.Sleep(time.Minute)
	})
}
