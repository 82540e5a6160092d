package authtrip_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
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

// here waits while it hangs.
func (h *hang) here(ctx context.Context) error {
	h.mu.Lock()
	lifted := h.lifted
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

// hangingClient is a registration whose authorization server may hang.
func hangingClient(t *testing.T, h *hang, change func(*authtrip.Registration), o ...authtrip.Option) *authtrip.Source {
	t.Helper()
	r := registration()
	r.RevocationEndpoint.URL = "https://auth.example/revoke"
	r.Envelopes = map[string]authtrip.Envelope{"api.example": inHeader}
	if change != nil {
		change(&r)
	}
	issued := 0
	return newSource(t, r, append(o, authtrip.WithTokenTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
		if err := h.here(r.Context()); err != nil {
			return nil, err
		}
		issued++
		return jsonReply(r, 200, map[string]any{"access_token": fmt.Sprint("token-", issued), "expires_in": 600}), nil
	})))...)
}

func primed(t *testing.T, src *authtrip.Source) authtrip.Token {
	t.Helper()
	tok, err := src.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func (c *caller) path(src *authtrip.Source, call func(context.Context) error) path {
	return path{call: call, next: func() error { return c.post(context.Background()) }, close: src.Close, caller: c}
}

func coldRequest(t *testing.T, h *hang) path {
	src := hangingClient(t, h, nil)
	c := newCaller(src)
	h.set()
	return c.path(src, c.post)
}

func expiredRequest(t *testing.T, h *hang) path {
	src := hangingClient(t, h, nil)
	c := newCaller(src)
	primed(t, src)
	settle(time.Hour)
	h.set()
	return c.path(src, c.stream)
}

func suspectRequest(again bool) func(*testing.T, *hang) path {
	return func(t *testing.T, h *hang) path {
		src := hangingClient(t, h, nil)
		c := newCaller(src)
		tok := primed(t, src)
		h.set()
		src.Suspect(tok)
		if again {
			return c.path(src, c.post)
		}
		return c.path(src, c.stream)
	}
}

func rejectedRequest(send func(*caller, context.Context) error, inBody bool) func(*testing.T, *hang) path {
	return func(t *testing.T, h *hang) path {
		src := hangingClient(t, h, nil)
		c := newCaller(src)
		tok := primed(t, src)
		c.rejects, c.inBody = tok.AccessToken(), inBody
		h.set()
		p := c.path(src, func(ctx context.Context) error { return send(c, ctx) })
		p.givesBack = true
		return p
	}
}

func tokenOf(call func(context.Context, *authtrip.Source) error) func(*testing.T, *hang) path {
	return func(t *testing.T, h *hang) path {
		src := hangingClient(t, h, nil)
		h.set()
		return sourcePath(src, call)
	}
}

func sourcePath(src *authtrip.Source, call func(context.Context, *authtrip.Source) error) path {
	return path{
		call: func(ctx context.Context) error { return call(ctx, src) },
		next: func() error { return call(context.Background(), src) }, close: src.Close,
	}
}

func justToken(ctx context.Context, src *authtrip.Source) error {
	_, err := src.Token(ctx)
	return err
}

func credentials(t *testing.T, h *hang) path {
	src := hangingClient(t, new(hang), asking(h))
	h.set()
	return sourcePath(src, justToken)
}

// asking has a registration ask for its credentials where it may hang.
func asking(h *hang) func(*authtrip.Registration) {
	return func(r *authtrip.Registration) {
		r.ClientID, r.ClientSecret = "", authtrip.Secret{}
		r.Credentials = func(ctx context.Context) (string, authtrip.Secret, error) {
			return "id", authtrip.NewSecret("s3cret-s3cret"), h.here(ctx)
		}
	}
}

func authenticate(t *testing.T, h *hang) path {
	src := hangingClient(t, new(hang), func(r *authtrip.Registration) {
		r.Authenticate = func(ctx context.Context, _ string, _ authtrip.Secret, header http.Header, _ url.Values) error {
			header.Set("X-Proof", "proof")
			return h.here(ctx)
		}
	})
	h.set()
	return sourcePath(src, justToken)
}

func tokenCallHook(t *testing.T, h *hang) path {
	src := hangingClient(t, new(hang), nil, authtrip.Hooks{TokenCall: func(flight, _ context.Context) context.Context {
		_ = h.here(flight)
		return flight
	}})
	h.set()
	return sourcePath(src, justToken)
}

func clientsRevoke(inCredentials bool) func(*testing.T, *hang) path {
	return func(t *testing.T, h *hang) path {
		server, change := h, func(*authtrip.Registration) {}
		if inCredentials {
			server, change = new(hang), func(r *authtrip.Registration) {
				asking(h)(r)
				r.TokenTransport = roundTripFunc(refusingRevocation)
			}
		}
		src := hangingClient(t, server, change)
		primed(t, src)
		h.set()
		p := sourcePath(src, func(ctx context.Context, src *authtrip.Source) error { return src.Revoke(ctx) })
		p.next = func() error { return justToken(context.Background(), src) }
		p.noCause, p.outlivesClose = true, true
		return p
	}
}

// refusingRevocation refuses the credentials of revocations, so that others are
// asked for.
func refusingRevocation(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/revoke") {
		return jsonReply(r, 401, map[string]any{"error": "invalid_client"}), nil
	}
	return jsonReply(r, 200, map[string]any{"access_token": "token-1", "expires_in": 600}), nil
}

func authCodeURL(t *testing.T, h *hang) path {
	m := newServer().managerOf(t, []authtrip.Registration{user(asking(h))})
	src := of(t, m, "ann")
	h.set()
	call := func(ctx context.Context) error { _, _, err := src.AuthCodeURL(ctx); return err }
	return path{call: call, next: func() error { return call(context.Background()) }, close: m.Close, noCause: true, outlivesClose: true}
}
