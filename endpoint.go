package authtrip

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// newTokenTransport is what token calls go through unless WithTokenTransport
// gives another. Connections are not kept: net/http would repeat a request by
// itself on one that died.
func newTokenTransport() http.RoundTripper {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		TLSHandshakeTimeout:    5 * time.Second,
		DisableKeepAlives:      true,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// requestToken makes one token call over rt, with the parameters of its grant,
// in which secrets are what no error may show. Redirects are not followed and
// cookies not kept: rt is asked directly, without an http.Client. A reply may
// come beside an error: then it holds a refresh token only.
func (c *client) requestToken(ctx context.Context, rt http.RoundTripper, cred credentials, grant url.Values, secrets []string) (*tokenReply, error) {
	params := maps.Clone(grant)
	for name, values := range c.Params {
		if !params.Has(name) {
			params[name] = values
		}
	}
	var reply *tokenReply
	err := c.call(ctx, rt, "token call: ", c.TokenEndpoint, params, cred, secrets, func(res *http.Response, secrets []string) (err error) {
		reply, err = c.readReply(res, c.server, secrets)
		return err
	})
	return reply, err
}

// revokeToken asks the revocation endpoint to end token (RFC 7009 §2). Every
// 200 is a success, for a token the server does not know too. hint says what
// the token is, or is empty; no error shows what is known besides.
func (c *client) revokeToken(ctx context.Context, rt http.RoundTripper, cred credentials, token, hint string, known []string) error {
	params := url.Values{"token": {token}}
	if hint != "" {
		params.Set("token_type_hint", hint)
	}
	return c.call(ctx, rt, "revocation call: ", c.RevocationEndpoint, params, cred, append(known, token), func(res *http.Response, secrets []string) error {
		if res.StatusCode == http.StatusOK {
			return nil
		}
		_, err := c.readReply(res, c.revocationServer, secrets)
		if said, ok := err.(*ServerError); ok && said.unreadable {
			said.Description = "the token may not have been revoked"
		}
		return err
	})
}

// call sends params to e with the client's proof, and gives the answer to read,
// with the secrets that no error may show. It closes the answer. It may add to
// params. What begins its errors.
func (c *client) call(ctx context.Context, rt http.RoundTripper, what string, e Endpoint, params url.Values, cred credentials, secrets []string,
	read func(*http.Response, []string) error,
) error {
	header := http.Header{"Accept": {"application/json"}}
	proof, err := c.prove(ctx, cred, header, params)
	if err != nil {
		return err
	}
	secrets = append(proof, secrets...)
	req, err := newCall(ctx, e, params)
	if err != nil {
		return newCallError(what, err, secrets)
	}
	for name, values := range header {
		req.Header[name] = values
	}

	res, err := rt.RoundTrip(req)
	if res != nil && res.Body != nil {
		defer func() { _ = res.Body.Close() }()
	}
	switch {
	case err != nil:
		return newCallError(what, err, secrets)
	case res == nil || res.Body == nil:
		return newCallError(what, fmt.Errorf("%T returned no response, no body or no error", rt), secrets)
	}
	return read(res, secrets)
}

// newCall is the request of a call: a form, or a GET with a query.
func newCall(ctx context.Context, e Endpoint, params url.Values) (*http.Request, error) {
	if e.Method != http.MethodGet {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL, strings.NewReader(params.Encode()))
		if err == nil {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		return req, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.URL, nil)
	if err != nil {
		return nil, err
	}
	if req.URL.RawQuery != "" {
		req.URL.RawQuery += "&"
	}
	req.URL.RawQuery += params.Encode()
	// With a body, though an empty one, net/http does not repeat the GET by
	// itself on a connection that died, over a transport that keeps some: a
	// code would be redeemed twice.
	req.Body = io.NopCloser(strings.NewReader(""))
	return req, nil
}
