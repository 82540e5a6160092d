package authtrip_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
)

// hangingClient is a registration whose authorization server may hang.
func hangingClient(t *testing.T, h *hang, change func(*authtrip.Registration), o ...authtrip.Option) *authtrip.Source {
	t.Helper()
	r := registration()
	r.RevocationEndpoint.URL = "https://auth.example/revoke"
	r.Envelopes = map[string]authtrip.Envelope{"api.example": inHeader}
	if change != nil {
		change(&r)
	}
	var issued atomic.Int64
	return newSource(t, r, append(o, authtrip.WithTokenTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
		if err := h.here(r.Context()); err != nil {
			return nil, err
		}
		return jsonReply(r, 200, map[string]any{"access_token": fmt.Sprint("token-", issued.Add(1)), "expires_in": 600}), nil
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
	src := hangingClient(t, new(hang), nil, authtrip.Hooks{TokenCallStart: func(flight, _ context.Context, _ authtrip.TokenCall) context.Context {
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
	return path{call: call, next: func() error { return call(context.Background()) }, close: m.Close}
}
