package authtrip_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
)

// hang is something that gives no answer from when it is set until it is lifted.
type hang struct {
	deaf bool // to contexts

	mu     sync.Mutex
	lifted chan struct{} // guarded by mu; nil: not set
	asked  int           // guarded by mu; how often it hung
}

func (h *hang) set() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lifted = make(chan struct{})
}

func (h *hang) lift() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.lifted != nil {
		close(h.lifted)
		h.lifted = nil
	}
}

func (h *hang) askedFor() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.asked
}

// here waits while it hangs.
func (h *hang) here(ctx context.Context) error {
	h.mu.Lock()
	lifted := h.lifted
	if lifted != nil {
		h.asked++
	}
	h.mu.Unlock()
	switch {
	case lifted == nil:
		return nil
	case h.deaf:
		<-lifted
		return nil
	}
	select {
	case <-lifted:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// within is here, for those who are given no context.
func (h *hang) within(d time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	return h.here(ctx)
}

// caller sends requests through an http.Client, whose API rejects one token.
type caller struct {
	client *http.Client

	mu      sync.Mutex
	rejects string     // guarded by mu
	inBody  bool       // guarded by mu; the rejection has status 200
	bodies  []*closing // guarded by mu; of requests and responses
}

func newCaller(src authtrip.Authorizer) *caller {
	c := new(caller)
	c.client = &http.Client{Transport: &authtrip.Transport{Source: src, Base: c}}
	return c
}

func (c *caller) body(text string) *closing {
	c.mu.Lock()
	defer c.mu.Unlock()
	body := &closing{Reader: strings.NewReader(text)}
	c.bodies = append(c.bodies, body)
	return body
}

// RoundTrip is the API.
func (c *caller) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
	}
	if err := r.Context().Err(); err != nil { // as net/http does
		return nil, err
	}
	c.mu.Lock()
	rejected, inBody := r.Header.Get("Authorization") == "Bearer "+c.rejects, c.inBody
	c.mu.Unlock()
	res := &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: c.body(fine), Request: r}
	switch {
	case rejected && inBody:
		_ = res.Body.Close()
		res.Body = c.body(refused)
	case rejected:
		res.StatusCode = 401
	}
	return res, nil
}

func (c *caller) get(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://api.example/", nil)
	if err != nil {
		return err
	}
	return c.send(req)
}

// post sends what can be sent again, stream what cannot.
func (c *caller) post(ctx context.Context) error {
	return c.posting(ctx, func() (io.ReadCloser, error) { return c.body("body"), nil })
}
func (c *caller) stream(ctx context.Context) error { return c.posting(ctx, nil) }

func (c *caller) posting(ctx context.Context, again func() (io.ReadCloser, error)) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://api.example/", c.body("body"))
	if err != nil {
		return err
	}
	req.GetBody = again
	return c.send(req)
}

func (c *caller) send(req *http.Request) error {
	res, err := c.client.Do(req)
	if err != nil {
		return err
	}
	return res.Body.Close()
}

func (c *caller) wantClosed(t *testing.T) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, b := range c.bodies {
		if !b.closed.Load() {
			t.Errorf("body %d of %d was not closed", i+1, len(c.bodies))
		}
	}
}
