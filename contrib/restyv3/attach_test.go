package restyv3_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/contrib/restyv3"
	"github.com/authtrip/authtrip/nhn"
	"resty.dev/v3"
)

func TestAttachAttachesOnly(t *testing.T) {
	w := newWorld(t)
	w.client.AddRequestMiddleware(restyv3.Attach(w.src))
	w.mustGet(w.client.R(), "/v1/organizations")
	w.cloud.RevokeAll()
	res, err := w.client.R().Get("/v1/organizations")
	if err != nil || res.StatusCode() != 401 || !restyv3.RetryRejected(res, nil) {
		t.Fatalf("%v, %v; want the 401 that rejected the token, known as such", status(res), err)
	}
	w.mustGet(w.client.R(), "/v1/organizations")
	if c := w.cloud.Counts(); c.TokenCalls != 2 || c.Rejected != 1 {
		t.Errorf("%+v; want another token for the next request", c)
	}
}

func TestAttachWithRestysOwnRetry(t *testing.T) {
	w := newWorld(t, authtest.Services())
	w.client.AddRequestMiddleware(restyv3.Attach(w.src))
	w.client.SetRetryCount(3).SetRetryWaitTime(time.Millisecond).AddRetryConditions(restyv3.RetryRejected)
	for _, url := range []string{w.cloud.APIURL, w.cloud.Service(authtest.APIGateway)} { // a 401, and a 200 that says so
		w.mustGet(w.client.R(), url+"/x")
		w.cloud.RevokeAll()
		res := w.mustGet(w.client.R(), url+"/x")
		if res.Request.Attempt != 2 {
			t.Errorf("%d tries, want 2", res.Request.Attempt)
		}
	}
}

// TestAttachAfterTheRequestIsMade: SetRequestMiddlewares can put it there.
func TestAttachAfterTheRequestIsMade(t *testing.T) {
	w := newWorld(t)
	w.client.SetRequestMiddlewares(resty.MiddlewareRequestCreate, restyv3.Attach(w.src))
	w.client.SetRetryCount(1).SetRetryWaitTime(time.Millisecond).AddRetryConditions(restyv3.RetryRejected)
	w.mustGet(w.client.R(), "/v1/organizations")
	w.cloud.RevokeAll()
	w.mustGet(w.client.R().SetTimeout(time.Minute), "/v1/organizations")
}

func TestI07_TwoMiddlewaresHaveARequestSentTwiceAtMostToo(t *testing.T) {
	w, other := newWorld(t), newWorld(t)
	always := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(401) }))
	defer always.Close()
	w.client.AddRequestMiddleware(restyv3.Attach(w.source(nhn.Origins(always.URL)))).AddRequestMiddleware(restyv3.Attach(other.src))
	w.client.SetRetryCount(5).SetRetryWaitTime(time.Millisecond).AddRetryConditions(restyv3.RetryRejected)
	res, err := w.client.R().Get(always.URL)
	if err != nil || res.Request.Attempt != 2 {
		t.Fatalf("%d tries, %v; want 2", res.Request.Attempt, err)
	}
}

func TestI07_RetryRejectedHasARequestSentTwiceAtMost(t *testing.T) {
	w := newWorld(t)
	always := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(401) }))
	defer always.Close()
	src := w.source(nhn.Origins(always.URL))
	w.client.AddRequestMiddleware(restyv3.Attach(src))
	w.client.SetRetryCount(5).SetRetryWaitTime(time.Millisecond).AddRetryConditions(restyv3.RetryRejected)
	res, err := w.client.R().Get(always.URL)
	if err != nil || res.Request.Attempt != 2 {
		t.Fatalf("%d tries, %v; want 2", res.Request.Attempt, err)
	}
	// A request made of the first one's context is another.
	res, err = w.client.R().SetContext(res.Request.Context()).Get(always.URL)
	if err != nil || res.Request.Attempt != 2 {
		t.Fatalf("%d tries, %v; want 2", res.Request.Attempt, err)
	}
}

func TestRetryRejectedIsNilSafe(t *testing.T) {
	if restyv3.RetryRejected(nil, nil) || restyv3.RetryRejected(nil, context.Canceled) ||
		restyv3.RetryRejected(&resty.Response{}, nil) || restyv3.RetryRejected(&resty.Response{Request: resty.New().R()}, nil) {
		t.Error("RetryRejected would retry what is no response")
	}
}

// TestI13_ARedirectToAnotherHostGetsNoToken: net/http carries any header but
// Authorization across hosts, and a policy may copy more.
func TestI13_ARedirectToAnotherHostGetsNoToken(t *testing.T) {
	elsewhere := newSeen(t, nil)
	for name, policy := range map[string]resty.RedirectPolicy{
		"net/http's own":        nil,
		"flexible":              resty.RedirectFlexiblePolicy(5),
		"copies the headers on": resty.RedirectPolicyFunc(func(r *http.Request, via []*http.Request) error { r.Header = via[0].Header.Clone(); return nil }),
	} {
		for _, way := range ways {
			t.Run(name+", "+way, func(t *testing.T) {
				w := newWorld(t, authtest.API(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect)))
				w.add(way)
				if policy != nil {
					w.client.SetRedirectPolicy(policy)
				}
				w.mustGet(w.client.R(), "/x")
				headers := elsewhere.all()
				if hasToken(headers[len(headers)-1]) {
					t.Error("the token went along")
				}
				if c := w.cloud.Counts(); c.Accepted != 1 {
					t.Errorf("%+v; want the first request accepted", c)
				}
			})
		}
	}
}

// TestI12_ALaterMiddlewareCannotLoseTheToken, whatever it does to the request.
func TestI12_ALaterMiddlewareCannotLoseTheToken(t *testing.T) {
	w := newWorld(t)
	w.client.AddRequestMiddleware(restyv3.Attach(w.src))
	w.client.AddRequestMiddleware(func(_ *resty.Client, r *resty.Request) error {
		r.SetContext(context.Background())
		r.Header = http.Header{}
		if r.RawRequest != nil {
			r.RawRequest = r.RawRequest.WithContext(context.Background())
		}
		return nil
	})
	w.mustGet(w.client.R(), "/v1/organizations")
}

func TestOneMiddlewareServesManyClientsAtOnce(t *testing.T) {
	w := newWorld(t)
	attach := restyv3.Attach(w.src)
	clients := []*resty.Client{w.client, w.newClient(), w.newClient()}
	var wg sync.WaitGroup
	for _, client := range clients {
		client.AddRequestMiddleware(attach)
		for range 20 {
			wg.Go(func() {
				if res, err := client.R().Get("/v1/organizations"); err != nil || res.StatusCode() != 200 {
					t.Errorf("%v, %v; want 200", status(res), err)
				}
			})
		}
	}
	wg.Wait()
	if c := w.cloud.Counts(); c.TokenCalls != 1 {
		t.Errorf("%d token calls, want 1", c.TokenCalls)
	}
}

// TestAttachPutsItsSocketInWhileRestyLooksAtTheTransport, as its watcher of
// certificate files does at any time.
func TestAttachPutsItsSocketInWhileRestyLooksAtTheTransport(t *testing.T) {
	w := newWorld(t)
	w.client.AddRequestMiddleware(restyv3.Attach(w.src))
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			_ = w.client.Transport()
			select {
			case <-done:
				return
			default:
			}
		}
	})
	w.mustGet(w.client.R(), "/v1/organizations")
	close(done)
	wg.Wait()
}

func TestTwoMiddlewaresServeTheirOwnOrigins(t *testing.T) {
	w, other := newWorld(t), newWorld(t)
	w.client.AddRequestMiddleware(restyv3.Attach(w.src)).AddRequestMiddleware(restyv3.Attach(other.src))
	w.mustGet(w.client.R(), w.cloud.APIURL+"/v1/organizations")
	w.mustGet(w.client.R(), other.cloud.APIURL+"/v1/organizations")
}

func TestAttachBesideInstallHasNothingToDo(t *testing.T) {
	for _, attachFirst := range []bool{true, false} {
		w := newWorld(t)
		if !attachFirst {
			must(t, restyv3.Install(w.client, w.src))
		}
		w.client.AddRequestMiddleware(restyv3.Attach(w.src))
		w.mustGet(w.client.R(), "/v1/organizations")
		if attachFirst {
			must(t, restyv3.Install(w.client, w.src))
		}
		w.cloud.RevokeAll()
		w.mustGet(w.client.R(), "/v1/organizations") // sent again, as Install has it
		if c := w.cloud.Counts(); c.TokenCalls != 2 || c.Rejected != 1 {
			t.Errorf("%+v; want 2 token calls and one rejected request", c)
		}
	}
}

// TestNobodyWaitsWhileAnothersTokenIsFetched: no lock of Resty's or ours is held.
func TestNobodyWaitsWhileAnothersTokenIsFetched(t *testing.T) {
	w := newWorld(t)
	open := newSeen(t, nil)
	w.client.AddRequestMiddleware(restyv3.Attach(w.src))
	w.mustGet(w.client.R(), open.URL) // another origin; the socket is in place
	w.cloud.Break(authtest.Fault{Hang: true})
	ctx, cancel := context.WithCancel(t.Context())
	waiting := make(chan error)
	go func() {
		_, err := w.client.R().SetContext(ctx).Get("/v1/organizations")
		waiting <- err
	}()
	for w.cloud.Counts().TokenCalls == 0 {
		select {
		case err := <-waiting:
			t.Fatalf("the request did not wait for its token: %v", err)
		case <-time.After(time.Millisecond):
		}
	}
	w.client.AddResponseMiddleware(func(*resty.Client, *resty.Response) error { return nil }) // takes Resty's lock
	w.mustGet(w.client.R(), open.URL)
	select {
	case err := <-waiting:
		t.Fatalf("the token call hangs, and its request got %v", err)
	default:
	}
	cancel()
	mustSay(t, <-waiting, "context canceled")
}

// TestSetAuthTokenDoesNotUndoIt: Resty writes its own Authorization header after
// all middlewares.
func TestSetAuthTokenDoesNotUndoIt(t *testing.T) {
	for _, way := range ways {
		api := newSeen(t, nil)
		w := newWorld(t)
		w.src = w.source(nhn.Headers("Authorization"), nhn.Origins(api.URL))
		w.add(way)
		w.client.SetAuthToken("stale").SetBasicAuth("user", "password")
		w.mustGet(w.client.R().SetAuthToken("staler"), api.URL)
		if got := api.all()[0].Values("Authorization"); len(got) != 1 || got[0] != "Bearer "+w.token() {
			t.Errorf("%d Authorization headers, want the Source's alone", len(got))
		}
	}
}
