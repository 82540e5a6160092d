package authtrip

import (
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// credentials are what a client proves itself with in one token call.
type credentials struct {
	id     string
	secret Secret
}

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

// requestToken makes one token call over rt. Redirects are not followed and
// cookies not kept: rt is asked directly, without an http.Client.
func (c *client) requestToken(ctx context.Context, rt http.RoundTripper, cred credentials) (*tokenReply, error) {
	form := maps.Clone(c.Params)
	if form == nil {
		form = url.Values{}
	}
	form.Set("grant_type", string(c.Grant))
	if len(c.Scopes) > 0 {
		form.Set("scope", strings.Join(c.Scopes, " "))
	}
	var reply *tokenReply
	err := c.post(ctx, rt, c.TokenEndpoint, form, cred, nil, func(res *http.Response, secrets []string) (err error) {
		reply, err = c.readReply(res, c.server, secrets)
		return err
	})
	return reply, err
}

// revokeToken asks the revocation endpoint to end token (RFC 7009 §2). Every
// 200 is a success, for a token the server does not know too.
func (c *client) revokeToken(ctx context.Context, rt http.RoundTripper, cred credentials, token string) error {
	form := url.Values{"token": {token}}
	return c.post(ctx, rt, c.RevocationEndpoint, form, cred, []string{token}, func(res *http.Response, secrets []string) error {
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

// post sends form to e with the client's proof, and gives the answer to read,
// with the secrets that no error may show. It closes the answer.
func (c *client) post(ctx context.Context, rt http.RoundTripper, e Endpoint, form url.Values, cred credentials, secrets []string,
	read func(*http.Response, []string) error,
) error {
	id, secret := cred.id, cred.secret.Reveal()
	if c.ClientAuth == ClientSecretBasic {
		id, secret = url.QueryEscape(id), url.QueryEscape(secret)
	}
	proof := base64.StdEncoding.EncodeToString([]byte(id + ":" + secret))
	secrets = append(secrets, proof, cred.secret.Reveal(), secret)

	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL, strings.NewReader(form.Encode()))
	if err != nil {
		return newCallError(err, secrets)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Authorization", "Basic "+proof)

	res, err := rt.RoundTrip(req)
	if res != nil && res.Body != nil {
		defer func() { _ = res.Body.Close() }()
	}
	switch {
	case err != nil:
		return newCallError(err, secrets)
	case res == nil || res.Body == nil:
		return newCallError(fmt.Errorf("%T returned no response, no body or no error", rt), secrets)
	}
	return read(res, secrets)
}
