package clients_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
)

// retrying is a retryablehttp.Client with its defaults, four retries after 1,
// 2, 4 and 8 seconds, over rt.
func retrying(rt http.RoundTripper) *retryablehttp.Client {
	c := retryablehttp.NewClient()
	c.Logger = nil
	c.HTTPClient = &http.Client{Transport: rt}
	return c
}

// stopWhenTold is what docs/clients.md recommends: an error that says when to come
// back is for the caller.
func stopWhenTold(ctx context.Context, res *http.Response, err error) (bool, error) {
	if _, told := authtrip.RetryAfter(err); told {
		return false, nil
	}
	return retryablehttp.DefaultRetryPolicy(ctx, res, err)
}

func (o *ordering) getRetrying(c *retryablehttp.Client) (int, string, error) {
	o.t.Helper()
	req, err := retryablehttp.NewRequest(http.MethodGet, o.cloud.APIURL+"/v1/things", nil)
	if err != nil {
		o.t.Fatal(err)
	}
	return read(c.Do(req))
}

// unavailable answers 503 to the first n requests whose token is good.
func unavailable(n int32) http.HandlerFunc {
	var asked atomic.Int32
	return func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) <= n {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}
}

func TestRetryableHTTPOutsideEachTryIsAWholeRequest(t *testing.T) {
	inOrder(t, unavailable(2), func(t *testing.T, o *ordering) {
		o.withToken()
		c := retrying(o.over(o.wire))
		tries := 0
		c.RequestLogHook = func(retryablehttp.Logger, *http.Request, int) {
			if tries++; tries == 2 { // between the tries, the token ends
				o.cloud.RevokeAll()
			}
		}
		status, _, err := o.getRetrying(c)
		if status != 200 || err != nil || tries != 3 {
			t.Errorf("the caller got %d, %v after %d tries; want 200 after 3", status, err, tries)
		}
		o.wantSends(503, 401, 503, 200) // the second try is two sends
		o.wantTokenCalls(2)
	})
}

func TestRetryableHTTPOutsideRetriesAnOpenCircuitAndHammersNobody(t *testing.T) {
	inOrder(t, nil, func(t *testing.T, o *ordering) {
		o.breakServer()
		c := retrying(o.over(o.wire))
		var tries atomic.Int32
		c.RequestLogHook = func(retryablehttp.Logger, *http.Request, int) { tries.Add(1) }
		before, start := o.cloud.Counts().TokenCalls, time.Now()
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if _, _, err := o.getRetrying(c); !errors.Is(err, authtrip.ErrCircuitOpen) && !isServerError(err) {
					t.Errorf("a caller got %v", err)
				}
			})
		}
		wg.Wait()
		// It does not know this error from another: each caller waits in vain.
		if took := time.Since(start); tries.Load() != 250 || took < 15*time.Second {
			t.Errorf("%d tries in %v, want 50 × 5, over 15 s", tries.Load(), took)
		}
		// Three attempts and two open the circuit; then a probe after 1, 2, 4, 8 s.
		if calls := o.cloud.Counts().TokenCalls - before; calls < 6 || calls > 9 {
			t.Errorf("%d token calls for 250 tries, want 6 to 9", calls)
		}
		o.wantSends()
	})
}

func isServerError(err error) bool {
	_, ok := errors.AsType[*authtrip.ServerError](err)
	return ok
}

func TestRetryableHTTPOutsideStopsWhenTheErrorSaysWhenToComeBack(t *testing.T) {
	inOrder(t, nil, func(t *testing.T, o *ordering) {
		o.openCircuit()
		c := retrying(o.over(o.wire))
		c.CheckRetry = stopWhenTold
		before, start := o.cloud.Counts().TokenCalls, time.Now()
		_, _, err := o.getRetrying(c)
		wait, told := authtrip.RetryAfter(err) // through its wrapping
		if !errors.Is(err, authtrip.ErrCircuitOpen) || time.Since(start) != 0 || o.cloud.Counts().TokenCalls != before || !told || wait <= 0 {
			t.Fatalf("the caller got %v after %v, to come back in %v; want ErrCircuitOpen at once", err, time.Since(start), wait)
		}

		// Whoever comes back then is served.
		o.cloud.Heal()
		time.Sleep(wait)
		if status, _, err := o.getRetrying(c); status != 200 || err != nil {
			t.Errorf("after that time the caller got %d, %v", status, err)
		}
	})
}

func TestRetryableHTTPOutsideARedirectTakesNoTokenAlong(t *testing.T) {
	o := redirecting(t)
	status, _, err := o.getRetrying(retrying(o.over(o.wire)))
	if got := o.cloud.Counts(); status != 200 || err != nil || got.Leaked != 0 {
		t.Errorf("the caller got %d, %v; %d tokens went to the third party, want 0", status, err, got.Leaked)
	}
}

// redirecting is an API that redirects to a third party.
func redirecting(t *testing.T) *ordering {
	var target atomic.Pointer[string]
	o := newOrdering(t, []authtest.Option{authtest.Services(), authtest.API(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, *target.Load(), http.StatusFound)
	}))})
	to := o.cloud.ThirdPartyURL + "/stage"
	target.Store(&to)
	return o
}
