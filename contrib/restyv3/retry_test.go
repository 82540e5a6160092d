package restyv3_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/contrib/restyv3"
	"github.com/authtrip/authtrip/nhn"
	"resty.dev/v3"
)

// retrying has the client retry what is rejected, and no more.
func (w *world) retrying(count int) {
	w.client.AddRequestMiddleware(restyv3.Attach(w.src)).
		SetRetryCount(count).SetRetryWaitTime(time.Millisecond).AddRetryConditions(restyv3.RetryRejected)
}

func TestRetryRejectedAskedTwiceSaysTheSame(t *testing.T) {
	w := newWorld(t)
	w.retrying(2)
	asked := 0
	w.client.AddResponseMiddleware(func(_ *resty.Client, res *resty.Response) error {
		if res.StatusCode() == 401 {
			asked++
			if !restyv3.RetryRejected(res, nil) {
				t.Error("asked in a middleware, RetryRejected said no")
			}
		}
		return nil
	})
	w.token()
	w.cloud.RevokeAll()
	w.mustGet(w.client.R(), "/v1/organizations")
	if asked != 1 {
		t.Errorf("asked %d times, want once", asked)
	}
}

func TestARequestThatIsUsedAgainIsRetriedAgain(t *testing.T) {
	w := newWorld(t)
	var sent atomic.Int32
	fickle := newSeen(t, func(rw http.ResponseWriter, _ *http.Request) {
		if sent.Add(1)%2 == 1 {
			rw.WriteHeader(401)
		}
	})
	w.src = w.source(nhn.Origins(fickle.URL))
	w.retrying(10) // Resty counts on, and does not retry the try of that number
	r := w.client.R()
	for range 3 {
		w.mustGet(r, fickle.URL)
	}
}

// TestI07_ARejectionAfterAnotherRetryIsRetriedOnce: of all tries, two are for a
// token's sake.
func TestI07_ARejectionAfterAnotherRetryIsRetriedOnce(t *testing.T) {
	w := newWorld(t)
	var sent atomic.Int32
	ill := newSeen(t, func(rw http.ResponseWriter, _ *http.Request) {
		if sent.Add(1) == 1 {
			rw.WriteHeader(503)
			return
		}
		rw.WriteHeader(401)
	})
	w.src = w.source(nhn.Origins(ill.URL))
	w.retrying(10)
	w.client.AddRetryConditions(resty.RetryConditionStatus5XX)
	res, err := w.client.R().Get(ill.URL)
	if err != nil || res.StatusCode() != 401 || res.Request.Attempt != 3 {
		t.Errorf("%v, %v in try %d; want the 401 of the third", status(res), err, res.Request.Attempt)
	}
}

// TestRetryRejectedLeavesNoResponseOpen: Resty closes what it does not read,
// too, before it retries.
func TestRetryRejectedLeavesNoResponseOpen(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out")
	for name, unread := range map[string]func(*resty.Request){
		"stream": func(r *resty.Request) { r.SetResponseDoNotParse(true) },
		"file":   func(r *resty.Request) { r.SetResponseSaveFileName(file) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			var open atomic.Int32
			w.client.SetTransport(&counting{w.client.Transport(), &open})
			w.retrying(2)
			w.token()
			w.cloud.RevokeAll()
			r := w.client.R()
			unread(r)
			res := w.mustGet(r, "/x")
			if r.Attempt != 2 {
				t.Errorf("%d tries, want 2", r.Attempt)
			}
			got, err := io.ReadAll(res.Body)
			if name == "file" {
				got, err = os.ReadFile(file)
			}
			if err != nil || len(got) == 0 {
				t.Errorf("read %q, %v; want the second answer", got, err)
			}
			_ = res.Body.Close()
			if n := open.Load(); n != 0 {
				t.Errorf("%d responses were left open", n)
			}
		})
	}
}

// counting counts the responses that are open.
type counting struct {
	http.RoundTripper
	open *atomic.Int32
}

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := c.RoundTripper.RoundTrip(r)
	if err == nil {
		c.open.Add(1)
		res.Body = &counted{ReadCloser: res.Body, open: c.open}
	}
	return res, err
}

type counted struct {
	io.ReadCloser
	open   *atomic.Int32
	closed atomic.Bool
}

func (c *counted) Close() error {
	if !c.closed.Swap(true) {
		c.open.Add(-1)
	}
	return c.ReadCloser.Close()
}

func TestAttachOverATransportOfTheUsersOwnHasNothingToDo(t *testing.T) {
	w := newWorld(t)
	w.client.SetTransport(&authtrip.Transport{Source: w.src, Base: w.client.Transport()})
	w.client.AddRequestMiddleware(restyv3.Attach(w.src))
	w.token()
	w.cloud.RevokeAll()
	w.mustGet(w.client.R(), "/v1/organizations")
}
