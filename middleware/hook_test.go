package middleware_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/middleware"
	"github.com/authtrip/authtrip/nhn"
	"github.com/go-resty/resty/v2"
)

func TestAHookAttachesOnly(t *testing.T) {
	w := newWorld(t)
	w.client.OnBeforeRequest(middleware.BeforeRequest(w.src))
	w.mustGet(w.client.R(), "/v1/organizations")
	w.cloud.RevokeAll()
	res, err := w.client.R().Get("/v1/organizations")
	if err != nil || res.StatusCode() != 401 || !middleware.RetryRejected(res, nil) {
		t.Fatalf("%v, %v; want the 401 that rejected the token, known as such", status(res), err)
	}
	w.mustGet(w.client.R(), "/v1/organizations")
	if c := w.cloud.Counts(); c.TokenCalls != 2 || c.Rejected != 1 {
		t.Errorf("%+v; want another token for the next request", c)
	}
}

func TestAHookWithRestysOwnRetry(t *testing.T) {
	w := newWorld(t, authtest.Services())
	w.client.OnBeforeRequest(middleware.BeforeRequest(w.src))
	w.client.SetRetryCount(3).SetRetryWaitTime(time.Millisecond).AddRetryCondition(middleware.RetryRejected)
	for _, url := range []string{w.cloud.APIURL, w.cloud.Service(authtest.APIGateway)} { // a 401, and a 200 that says so
		w.mustGet(w.client.R(), url+"/x")
		w.cloud.RevokeAll()
		res := w.mustGet(w.client.R(), url+"/x")
		if res.Request.Attempt != 2 {
			t.Errorf("%d tries, want 2", res.Request.Attempt)
		}
	}
}

func TestI07_RetryRejectedHasARequestSentTwiceAtMost(t *testing.T) {
	w := newWorld(t)
	always := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(401) }))
	defer always.Close()
	src := w.source(nhn.Origins(always.URL))
	w.client.OnBeforeRequest(middleware.BeforeRequest(src))
	w.client.SetRetryCount(5).SetRetryWaitTime(time.Millisecond).AddRetryCondition(middleware.RetryRejected)
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

// TestRetryRejectedLeavesWhatInstallGaveUp: it has been sent twice already.
func TestRetryRejectedLeavesWhatInstallGaveUp(t *testing.T) {
	for _, hook := range []bool{false, true} {
		w := newWorld(t)
		always := newSeen(t, func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(401) })
		src := w.source(nhn.Origins(always.URL))
		must(t, middleware.Install(w.client, src))
		if hook {
			w.client.OnBeforeRequest(middleware.BeforeRequest(src))
		}
		w.client.SetRetryCount(5).SetRetryWaitTime(time.Millisecond).AddRetryCondition(middleware.RetryRejected)
		res, err := w.client.R().Get(always.URL)
		must(t, err)
		if res.Request.Attempt != 1 || len(always.all()) != 2 {
			t.Errorf("%d tries, %d sends; want 1 and 2", res.Request.Attempt, len(always.all()))
		}
		if middleware.RetryRejected(&resty.Response{RawResponse: res.RawResponse}, nil) {
			t.Error("RetryRejected would retry no request")
		}
	}
}

func TestI07_TwoHooksHaveARequestSentTwiceAtMostToo(t *testing.T) {
	w, other := newWorld(t), newWorld(t)
	always := newSeen(t, func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(401) })
	w.client.OnBeforeRequest(middleware.BeforeRequest(w.source(nhn.Origins(always.URL)))).OnBeforeRequest(middleware.BeforeRequest(other.src))
	w.client.SetRetryCount(5).SetRetryWaitTime(time.Millisecond).AddRetryCondition(middleware.RetryRejected)
	r := w.client.R()
	for range 2 {
		if _, err := r.Get(always.URL); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(always.all()); n != 4 {
		t.Errorf("%d sends of two requests, want 4", n)
	}
}

// TestARequestThatIsUsedAgainKeepsNothing of the times before.
func TestARequestThatIsUsedAgainKeepsNothing(t *testing.T) {
	w := newWorld(t)
	w.client.OnBeforeRequest(middleware.BeforeRequest(w.src))
	r := w.client.R()
	w.mustGet(r, "/x")
	once := len(fmt.Sprint(r.Context()))
	for range 10 {
		w.mustGet(r, "/x")
	}
	if now := len(fmt.Sprint(r.Context())); now > once+10 {
		t.Errorf("the context grew from %d characters to %d", once, now)
	}
}

func TestRetryRejectedAskedTwiceSaysTheSame(t *testing.T) {
	w := newWorld(t)
	w.client.OnBeforeRequest(middleware.BeforeRequest(w.src)).SetRetryCount(2).SetRetryWaitTime(time.Millisecond).AddRetryCondition(middleware.RetryRejected)
	w.client.OnAfterResponse(func(_ *resty.Client, res *resty.Response) error {
		if res.StatusCode() == 401 && !middleware.RetryRejected(res, nil) {
			t.Error("asked in a hook, RetryRejected said no")
		}
		return nil
	})
	w.token()
	w.cloud.RevokeAll()
	w.mustGet(w.client.R(), "/v1/organizations")
}

func TestARequestThatIsUsedAgainIsRetriedAgain(t *testing.T) {
	w := newWorld(t)
	var asked atomic.Int32
	fickle := newSeen(t, func(rw http.ResponseWriter, _ *http.Request) {
		if asked.Add(1)%2 == 1 {
			rw.WriteHeader(401)
		}
	})
	w.client.OnBeforeRequest(middleware.BeforeRequest(w.source(nhn.Origins(fickle.URL)))).
		SetRetryCount(3).SetRetryWaitTime(time.Millisecond).AddRetryCondition(middleware.RetryRejected)
	r := w.client.R()
	for range 3 {
		w.mustGet(r, fickle.URL)
	}
}

// TestRestyRetriesErrorsOnlyWithoutConditions is why RetryRejected comes with a
// condition for errors beside it.
func TestRestyRetriesErrorsOnlyWithoutConditions(t *testing.T) {
	onError := func(_ *resty.Response, err error) bool { return err != nil }
	for name, c := range map[string]struct {
		conditions []resty.RetryConditionFunc
		tries      int
	}{
		"none":                         {nil, 4},
		"RetryRejected":                {[]resty.RetryConditionFunc{middleware.RetryRejected}, 1},
		"RetryRejected and for errors": {[]resty.RetryConditionFunc{middleware.RetryRejected, onError}, 4},
		"for errors and RetryRejected": {[]resty.RetryConditionFunc{onError, middleware.RetryRejected}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.client.OnBeforeRequest(middleware.BeforeRequest(w.src)).SetRetryCount(3).SetRetryWaitTime(time.Millisecond).SetRetryMaxWaitTime(time.Millisecond)
			for _, condition := range c.conditions {
				w.client.AddRetryCondition(condition)
			}
			r := w.client.R()
			if _, err := r.Get("http://127.0.0.1:1/"); err == nil || r.Attempt != c.tries {
				t.Errorf("%d tries, %v; want %d", r.Attempt, err, c.tries)
			}
		})
	}
}

// TestRetryRejectedLeavesNoResponseOpen: Resty does not close what it does not
// read.
func TestRetryRejectedLeavesNoResponseOpen(t *testing.T) {
	for name, unread := range map[string]func(*resty.Request){
		"stream": func(r *resty.Request) { r.SetDoNotParseResponse(true) },
		"file":   func(r *resty.Request) { r.SetOutput(t.TempDir() + "/out") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.client.OnBeforeRequest(middleware.BeforeRequest(w.src)).SetRetryCount(2).SetRetryWaitTime(time.Millisecond).AddRetryCondition(middleware.RetryRejected)
			w.token()
			w.cloud.RevokeAll()
			r := w.client.R()
			unread(r)
			res, err := r.Get("/x")
			must(t, err)
			_ = res.RawBody().Close()
			if res.StatusCode() != 401 || r.Attempt != 1 {
				t.Errorf("status %d in try %d; want the 401 of the first", res.StatusCode(), r.Attempt)
			}
		})
	}
}

func TestAHookOverATransportOfTheUsersOwnHasNothingToDo(t *testing.T) {
	w := newWorld(t)
	w.client.SetTransport(&authtrip.Transport{Source: w.src, Base: w.client.GetClient().Transport})
	w.client.OnBeforeRequest(middleware.BeforeRequest(w.src))
	w.token()
	w.cloud.RevokeAll()
	w.mustGet(w.client.R(), "/v1/organizations")
}

func TestRetryRejectedIsNilSafe(t *testing.T) {
	if middleware.RetryRejected(nil, nil) || middleware.RetryRejected(nil, context.Canceled) ||
		middleware.RetryRejected(&resty.Response{}, nil) || middleware.RetryRejected(&resty.Response{Request: resty.New().R()}, nil) {
		t.Error("RetryRejected would retry what is no response")
	}
}

// TestI13_ARedirectToAnotherHostGetsNoToken: net/http carries any header but
// Authorization across hosts, and Resty's policies copy more.
func TestI13_ARedirectToAnotherHostGetsNoToken(t *testing.T) {
	elsewhere := newSeen(t, nil)
	for name, policy := range map[string]resty.RedirectPolicy{
		"net/http's own":        nil,
		"flexible":              resty.FlexibleRedirectPolicy(5),
		"domain check":          resty.DomainCheckRedirectPolicy("127.0.0.1"),
		"copies the headers on": resty.RedirectPolicyFunc(func(r *http.Request, via []*http.Request) error { r.Header = via[0].Header.Clone(); return nil }),
	} {
		for _, install := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				w := newWorld(t, authtest.API(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect)))
				if install {
					must(t, middleware.Install(w.client, w.src))
				} else {
					w.client.OnBeforeRequest(middleware.BeforeRequest(w.src))
				}
				if policy != nil {
					w.client.SetRedirectPolicy(policy)
				}
				w.mustGet(w.client.R(), "/x")
				headers := elsewhere.all()
				last := headers[len(headers)-1]
				if last.Get(nhn.HeaderAuthorization) != "" || last.Get(nhn.HeaderAuthentication) != "" || last.Get("Authorization") != "" {
					t.Error("the token went along")
				}
			})
		}
	}
}

// TestI12_ALaterHookCannotLoseTheToken, whatever it does to the request.
func TestI12_ALaterHookCannotLoseTheToken(t *testing.T) {
	w := newWorld(t)
	w.client.OnBeforeRequest(middleware.BeforeRequest(w.src))
	w.client.OnBeforeRequest(func(_ *resty.Client, r *resty.Request) error {
		r.SetContext(context.Background())
		r.Header = http.Header{}
		return nil
	})
	w.client.SetPreRequestHook(func(_ *resty.Client, r *http.Request) error {
		*r = *r.WithContext(context.Background())
		return nil
	})
	w.mustGet(w.client.R(), "/v1/organizations")
}

func TestOneHookServesManyClientsAtOnce(t *testing.T) {
	w := newWorld(t)
	hook := middleware.BeforeRequest(w.src)
	clients := []*resty.Client{w.client, w.newClient(), w.newClient()}
	var wg sync.WaitGroup
	for _, client := range clients {
		client.OnBeforeRequest(hook)
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

func TestTwoHooksServeTheirOwnOrigins(t *testing.T) {
	w, other := newWorld(t), newWorld(t)
	w.client.OnBeforeRequest(middleware.BeforeRequest(w.src)).OnBeforeRequest(middleware.BeforeRequest(other.src))
	w.mustGet(w.client.R(), w.cloud.APIURL+"/v1/organizations")
	w.mustGet(w.client.R(), other.cloud.APIURL+"/v1/organizations")
}

func TestAHookBesideInstallHasNothingToDo(t *testing.T) {
	for _, hookFirst := range []bool{true, false} {
		w := newWorld(t)
		if !hookFirst {
			must(t, middleware.Install(w.client, w.src))
		}
		w.client.OnBeforeRequest(middleware.BeforeRequest(w.src))
		w.mustGet(w.client.R(), "/v1/organizations")
		if hookFirst {
			must(t, middleware.Install(w.client, w.src))
		}
		w.cloud.RevokeAll()
		w.mustGet(w.client.R(), "/v1/organizations") // sent again, as Install has it
		if c := w.cloud.Counts(); c.TokenCalls != 2 || c.Rejected != 1 {
			t.Errorf("%+v; want 2 token calls and one rejected request", c)
		}
	}
}

func TestAHookSeesTheRequestsChoice(t *testing.T) {
	w := newWorld(t)
	a := nhn.Registration(w.cloud.Credentials(), w.cloud.Options()...)
	b := a
	a.ID, b.ID = "a", "b"
	mgr, err := authtrip.NewManager([]authtrip.Registration{a, b})
	must(t, err)
	defer func() { _ = mgr.Close() }()
	w.client.OnBeforeRequest(middleware.BeforeRequest(mgr))
	w.mustGet(w.client.R().SetContext(authtrip.WithRegistration(t.Context(), "b")), "/v1/organizations")
	_, err = w.client.R().Get("/v1/organizations")
	mustSay(t, err, "a", "b")
}

// TestNobodyWaitsWhileAHooksTokenIsFetched: Resty runs hooks under a lock that
// whoever registers one waits for, and with them every other request.
func TestNobodyWaitsWhileAHooksTokenIsFetched(t *testing.T) {
	w := newWorld(t)
	open := newSeen(t, nil)
	w.client.OnBeforeRequest(middleware.BeforeRequest(w.src))
	w.mustGet(w.client.R(), open.URL) // another origin; the hook is in place
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
	w.client.OnAfterResponse(func(*resty.Client, *resty.Response) error { return nil }) // takes the lock
	w.client.OnBeforeRequest(func(*resty.Client, *resty.Request) error { return nil })
	w.mustGet(w.client.R(), open.URL)
	select {
	case err := <-waiting:
		t.Fatalf("the token call hangs, and its request got %v", err)
	default:
	}
	cancel()
	mustSay(t, <-waiting, "context canceled")
}

// TestSetAuthTokenDoesNotUndoAHook: Resty writes its own Authorization header
// after all hooks.
func TestSetAuthTokenDoesNotUndoAHook(t *testing.T) {
	api := newSeen(t, nil)
	w := newWorld(t)
	src := w.source(nhn.Headers("Authorization"), nhn.Origins(api.URL))
	w.client.OnBeforeRequest(middleware.BeforeRequest(src)).SetAuthToken("stale").SetBasicAuth("user", "password")
	w.mustGet(w.client.R().SetAuthToken("staler"), api.URL)
	tok, err := src.Token(t.Context())
	must(t, err)
	if got := api.all()[0].Values("Authorization"); len(got) != 1 || got[0] != "Bearer "+tok.AccessToken() {
		t.Errorf("%d Authorization headers, want the Source's alone", len(got))
	}
}
