package clients_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/authtrip/authtrip"
)

func TestRetryableHTTPInsideRetriesServerErrorsAndLeavesRejectionsAlone(t *testing.T) {
	inOrder(t, unavailable(2), func(t *testing.T, o *ordering) {
		o.withToken()
		o.cloud.RevokeAll()
		status, _, err := o.get(o.over(&retryablehttp.RoundTripper{Client: retrying(o.wire)}))
		if status != 200 || err != nil {
			t.Errorf("the caller got %d, %v", status, err)
		}
		// The 401 goes up, its replay is retried: all with the second token.
		o.wantSends(401, 503, 503, 200)
		o.wantTokenCalls(2)
	})
}

func TestRetryableHTTPInsideHearsNothingOfTokens(t *testing.T) {
	inOrder(t, nil, func(t *testing.T, o *ordering) {
		o.openCircuit()
		c := retrying(o.wire)
		var tries atomic.Int32
		c.RequestLogHook = func(retryablehttp.Logger, *http.Request, int) { tries.Add(1) }
		start := time.Now()
		_, _, err := o.get(o.over(&retryablehttp.RoundTripper{Client: c}))
		if took := time.Since(start); !errors.Is(err, authtrip.ErrCircuitOpen) || tries.Load() != 0 || took != 0 {
			t.Errorf("the caller got %v after %v and %d tries; want ErrCircuitOpen at once", err, took, tries.Load())
		}
	})
}

// TestRetryableHTTPInsideTakesTheTokenAlongARedirect is the reason to put it
// outside: it is a whole http.Client, which follows redirects under the
// Transport, and net/http takes a custom header along.
func TestRetryableHTTPInsideTakesTheTokenAlongARedirect(t *testing.T) {
	for name, want := range map[string]int{"as it comes": 1, "told to leave redirects alone": 0} {
		t.Run(name, func(t *testing.T) {
			o := redirecting(t)
			c := retrying(o.wire)
			if want == 0 {
				c.HTTPClient.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			}
			status, _, err := o.get(o.over(&retryablehttp.RoundTripper{Client: c}))
			if got := o.cloud.Counts(); status != 200 || err != nil || got.Leaked != want {
				t.Errorf("the caller got %d, %v; %d tokens went to the third party, want %d", status, err, got.Leaked, want)
			}
		})
	}
}

// TestRetryableHTTPInsideReadsTheBodyToItsEndAndLeavesItOpen is another: it
// holds in memory what the caller streams.
func TestRetryableHTTPInsideReadsTheBodyToItsEndAndLeavesItOpen(t *testing.T) {
	for name, c := range map[string]struct {
		through func(*ordering) http.RoundTripper
		isRead  bool
	}{
		"the wire alone": {func(o *ordering) http.RoundTripper { return o.over(o.wire) }, false},
		"retryablehttp inside": {func(o *ordering) http.RoundTripper {
			return o.over(&retryablehttp.RoundTripper{Client: retrying(o.wire)})
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			var read, begun atomic.Bool
			inOrder(t, func(w http.ResponseWriter, r *http.Request) {
				begun.Store(!read.Load())
				_, _ = io.Copy(io.Discard, r.Body)
			}, func(t *testing.T, o *ordering) {
				o.withToken()
				body := &slowBody{left: 3, read: &read}
				req := o.request(context.Background(), http.MethodPost, "")
				req.Body = body
				res, err := c.through(o).RoundTrip(req)
				if err != nil {
					t.Fatal(err)
				}
				_ = res.Body.Close()
				if begun.Load() == c.isRead || body.closed.Load() == c.isRead {
					t.Errorf("the API had the request before the body's end: %v; the body was closed: %v; want %v of both", begun.Load(), body.closed.Load(), !c.isRead)
				}
			})
		})
	}
}

// slowBody takes a second for each byte.
type slowBody struct {
	left   int
	read   *atomic.Bool // at its end
	closed atomic.Bool
}

func (b *slowBody) Read(p []byte) (int, error) {
	if b.left == 0 {
		b.read.Store(true)
		return 0, io.EOF
	}
	time.Sleep(time.Second)
	b.left--
	return copy(p, "x"), nil
}

func (b *slowBody) Close() error {
	b.closed.Store(true)
	return nil
}
