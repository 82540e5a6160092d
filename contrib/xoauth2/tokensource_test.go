package xoauth2_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/contrib/xoauth2"
)

func TestASourceFeedsOAuth2sTransport(t *testing.T) {
	w := newWorld(t)
	client := &http.Client{Transport: &oauth2.Transport{Source: xoauth2.TokenSource(t.Context(), w.source(t))}}

	w.want(t, client, 10, http.StatusOK)

	tokens, requests := w.calls()
	if len(tokens) != 1 || len(requests) != 10 || requests[9].authorization != "Bearer token-1" {
		t.Fatalf("%d token calls for %d requests, the last with %q", len(tokens), len(requests), requests[9].authorization)
	}
}

func TestFiftyGoroutinesOverOAuth2sTransportMakeOneTokenCall(t *testing.T) {
	w := newWorld(t)
	client := &http.Client{Transport: &oauth2.Transport{Source: xoauth2.TokenSource(t.Context(), w.source(t))}}
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if status, err := get(client, w.api.URL); status != http.StatusOK {
				t.Errorf("status %d, %v", status, err)
			}
		})
	}
	all.Wait()
	if tokens, _ := w.counts(); tokens != 1 {
		t.Fatalf("%d token calls", tokens)
	}
}

func TestItsTokenSaysWhatTheSourceKnows(t *testing.T) {
	for lifetime, known := range map[string]bool{`,"expires_in":3600`: true, ``: false} {
		w := newWorld(t)
		w.lifetime = lifetime
		src := w.source(t)
		own, err := src.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		tok, err := xoauth2.TokenSource(t.Context(), src).Token()
		if err != nil {
			t.Fatal(err)
		}
		if tok.AccessToken != own.AccessToken() || tok.TokenType != "Bearer" || tok.RefreshToken != "" || !tok.Valid() {
			t.Errorf("with %q the token is another, or not valid", lifetime)
		}
		if !tok.Expiry.Equal(own.Expiry()) || tok.Expiry.IsZero() == known {
			t.Errorf("with %q it expires at %v; the Source says %v", lifetime, tok.Expiry, own.Expiry())
		}
	}
}

func TestNeitherCancellationNorDeadlineOfItsContextEndsATokenSource(t *testing.T) {
	w := newWorld(t)
	src := w.source(t)
	ctx, cancel := context.WithCancel(context.Background())
	late, cancelLate := context.WithDeadline(context.Background(), time.Now().Add(-time.Hour))
	defer cancelLate()
	ts := xoauth2.TokenSource(ctx, src)
	client := &http.Client{Transport: &oauth2.Transport{Source: ts}}
	w.want(t, client, 1, http.StatusOK)

	cancel()
	w.want(t, client, 1, http.StatusOK) // with the token that is there
	tok, err := src.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	src.Invalidate(tok)
	w.want(t, client, 1, http.StatusOK) // and with one that has to be asked for
	client = &http.Client{Transport: &oauth2.Transport{Source: xoauth2.TokenSource(late, src)}}
	tok, _ = src.Token(t.Context())
	src.Invalidate(tok)
	w.want(t, client, 1, http.StatusOK)

	if tokens, _ := w.counts(); tokens != 3 {
		t.Fatalf("%d token calls", tokens)
	}
}

func TestTheValuesOfItsContextReachTheTokenCall(t *testing.T) {
	w := newWorld(t)
	type span struct{}
	var got atomic.Value
	src := w.source(t, authtrip.Hooks{TokenCallStart: func(flight, caller context.Context, _ authtrip.TokenCall) context.Context {
		got.Store(caller.Value(span{}))
		return flight
	}})
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), span{}, "span-7"))
	ts := xoauth2.TokenSource(ctx, src)
	cancel()
	if _, err := ts.Token(); err != nil || got.Load() != "span-7" {
		t.Fatalf("%v, %v", got.Load(), err)
	}
}

func TestNoContextIsAsGoodAsAnEmptyOne(t *testing.T) {
	var none context.Context
	if _, err := xoauth2.TokenSource(none, newWorld(t).source(t)).Token(); err != nil {
		t.Fatal(err)
	}
}

func TestAHangingServerHoldsATokenSourceForTheFetchTimeoutOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := xoauth2.FromClientCredentials("shop", (&world{auth: nowhere, api: nowhere}).config())
		reg.TokenTransport = roundTripFunc(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		src := newSource(t, reg, authtrip.Policy{FetchTimeout: 6 * time.Second})
		began := time.Now()
		_, err := xoauth2.TokenSource(t.Context(), src).Token()
		if took := time.Since(began); took > 6*time.Second || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("after %v: %v", took, err)
		}
	})
}

// What ReuseTokenSource, and with it NewClient, costs.
func TestReuseTokenSourceHidesARevocation(t *testing.T) {
	for name, client := range map[string]func(oauth2.TokenSource) *http.Client{
		"NewClient": func(ts oauth2.TokenSource) *http.Client { return oauth2.NewClient(context.Background(), ts) },
		"ReuseTokenSource": func(ts oauth2.TokenSource) *http.Client {
			return &http.Client{Transport: &oauth2.Transport{Source: oauth2.ReuseTokenSource(nil, ts)}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			src := w.source(t)
			ts := xoauth2.TokenSource(t.Context(), src)
			reusing, plain := client(ts), &http.Client{Transport: &oauth2.Transport{Source: ts}}
			own := &http.Client{Transport: &authtrip.Transport{Source: src}}
			w.want(t, reusing, 2, http.StatusOK)

			w.revokeAll()
			w.want(t, own, 1, http.StatusOK) // the Source has another token now

			w.want(t, plain, 1, http.StatusOK)
			w.want(t, reusing, 3, http.StatusUnauthorized)
		})
	}
}

func TestReuseTokenSourceAsksAgainWhenItsTokenExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := &counted{}
		src := newSource(t, mustFrom(t, "vendor", vendor))
		client := oauth2.NewClient(context.WithValue(t.Context(), oauth2.HTTPClient, &http.Client{
			Transport: &apiStub{accepts: func(string) bool { return true }},
		}), xoauth2.TokenSource(t.Context(), src))
		for range 180 { // minutes
			if status, err := get(client, "https://api.example/"); status != http.StatusOK {
				t.Fatal(status, err)
			}
			time.Sleep(time.Minute)
		}
		if n := vendor.count(); n < 3 || n > 5 {
			t.Fatalf("%d tokens in three hours", n)
		}
	})
}

func TestErrorsAreFoundThroughOAuth2sTransport(t *testing.T) {
	overOAuth2 := func(src *authtrip.Source) error {
		_, err := get(&http.Client{Transport: &oauth2.Transport{Source: xoauth2.TokenSource(context.Background(), src)}}, "http://127.0.0.1:1/")
		return err
	}
	t.Run("what the server said", func(t *testing.T) {
		w := newWorld(t)
		w.answers(http.StatusUnauthorized, `{"error":"invalid_client"}`)
		err := overOAuth2(w.source(t))
		said, ok := errors.AsType[*authtrip.ServerError](err)
		if _, again := authtrip.RetryAfter(overOAuth2(w.source(t))); !ok || said.Code != "invalid_client" || again {
			t.Fatal(err)
		}
	})
	t.Run("an open circuit", func(t *testing.T) {
		w := newWorld(t)
		w.answers(http.StatusBadGateway, "")
		src := w.source(t)
		_, _ = overOAuth2(src), overOAuth2(src)
		err := overOAuth2(src)
		if wait, ok := authtrip.RetryAfter(err); !errors.Is(err, authtrip.ErrCircuitOpen) || !ok || wait <= 0 {
			t.Fatal(err)
		}
	})
	t.Run("closed", func(t *testing.T) {
		src := newWorld(t).source(t)
		_ = src.Close()
		if err := overOAuth2(src); !errors.Is(err, authtrip.ErrClosed) {
			t.Fatal(err)
		}
	})
	t.Run("a user who granted nothing", func(t *testing.T) {
		w := newWorld(t)
		reg := xoauth2.FromConfig("shop", &oauth2.Config{
			ClientID: "shop", ClientSecret: "s3cret-s3cret", Endpoint: oauth2.Endpoint{TokenURL: w.auth.URL},
		})
		if err := overOAuth2(newSource(t, reg)); !errors.Is(err, authtrip.ErrAuthorizationRequired) {
			t.Fatal(err)
		}
	})
	t.Run("no Source", func(t *testing.T) {
		if err := overOAuth2(nil); err == nil {
			t.Fatal("no error")
		}
	})
}
