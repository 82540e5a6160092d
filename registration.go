package authtrip

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
)

// Registration is one client at one authorization server: where its tokens
// come from, how they are put on a request, where they may go, and which
// response rejects them. It is plain data: fill it, pass it to [NewSource] or
// [NewManager], which check all of it at once and keep a copy.
type Registration struct {
	// ID names the registration in errors and in a Manager. Required.
	ID string

	// ClientID and ClientSecret identify the client at the authorization
	// server (RFC 6749 §2.2). Required, unless Credentials is set.
	ClientID     string
	ClientSecret Secret
	// Credentials, if set, is asked instead: before the first token call, and
	// again when the server answered invalid_client, so that a re-issued
	// secret is picked up. It may be called from any goroutine; the context
	// ends with the token call's time. An error fails the token call, and those
	// of the next second.
	Credentials func(ctx context.Context) (clientID string, clientSecret Secret, err error)
	// ClientAuth is how the client proves itself; empty is ClientSecretBasic.
	ClientAuth ClientAuth

	// Grant is how tokens are obtained; empty is ClientCredentials.
	Grant Grant
	// Scopes are asked for in one "scope" parameter; none sends none.
	Scopes []string
	// Params are sent with the token request besides the grant's own.
	Params url.Values

	// TokenEndpoint issues tokens. Required.
	TokenEndpoint Endpoint
	// RevocationEndpoint ends them (RFC 7009). Without a URL, Source.Revoke
	// returns an error.
	RevocationEndpoint Endpoint
	// ExpiresInRemains says that expires_in is the time a token has left, as
	// NHN Cloud documents it, so that 0 is a token at its end. Otherwise 0 is
	// an unknown lifetime.
	ExpiresInRemains bool

	// Headers are the request headers that carry the token, each with the same
	// value; none is Authorization. What the caller set there is replaced.
	Headers []string
	// RawToken sends the token alone. Otherwise "Bearer " stands before it
	// (RFC 6750 §2.1).
	RawToken bool

	// Origins are where tokens may go: exact hosts ("api.example.com", meaning
	// https on 443), with a port if another, or origins with their scheme
	// ("http://localhost:8080"). Requests to any other are passed on as they
	// are, without a token. With none listed tokens go wherever the caller
	// sends a request, but not to another origin that a redirect leads to.
	Origins []string
	// AllowHTTP names the hosts, with a port if not 80, that may be spoken to
	// in plain http, token endpoint included. Loopback always may.
	AllowHTTP []string

	// Reject decides whether a response rejects the token that was sent. Nil
	// is RejectBearer. It must not read the body or keep the response, and is
	// called for every response, from the caller's goroutine.
	Reject func(*http.Response) Verdict
}

// Endpoint is a URL of an authorization server that takes a POST form.
type Endpoint struct {
	// URL is absolute, https (see Registration.AllowHTTP), without user
	// information or fragment; a query is kept.
	URL string
}

// ClientAuth is how a client proves itself at the authorization server
// (RFC 6749 §2.3.1).
type ClientAuth string

const (
	// ClientSecretBasic sends id and secret by HTTP Basic, each form-encoded
	// first, as RFC 6749 §2.3.1 says.
	ClientSecretBasic ClientAuth = "client_secret_basic"
	// ClientSecretBasicRaw sends them by HTTP Basic as they are, as NHN Cloud
	// and many servers expect.
	ClientSecretBasicRaw ClientAuth = "client_secret_basic_raw"
)

// Grant is how access tokens are obtained, by its name on the wire.
type Grant string

// ClientCredentials is the grant of RFC 6749 §4.4: the client's own token.
const ClientCredentials Grant = "client_credentials"

// client is a checked Registration, ready for use. It never changes.
type client struct {
	Registration
	server string // scheme://host:port of the token endpoint
	// revocationServer is that of the revocation endpoint, or empty.
	revocationServer string
	headers          []string // canonical
	origins          originRule
	reject           func(*http.Response) Verdict
}

// check returns the registration ready for use, or every fault in one error.
func (r Registration) check() (*client, error) {
	c := &client{Registration: r, reject: r.Reject}
	c.Scopes = slices.Clone(r.Scopes)
	c.Params = maps.Clone(r.Params)
	for k, v := range c.Params {
		c.Params[k] = slices.Clone(v)
	}
	if c.reject == nil {
		c.reject = RejectBearer
	}
	if c.ClientAuth == "" {
		c.ClientAuth = ClientSecretBasic
	}
	if c.Grant == "" {
		c.Grant = ClientCredentials
	}

	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("authtrip: registration %q: "+format, append([]any{r.ID}, args...)...))
	}
	if r.ID == "" {
		fault("ID is empty: name the registration")
	}
	c.checkCredentials(fault)
	c.checkGrant(fault)
	c.checkHeaders(fault)
	var err error
	if c.origins, err = newOriginRule(r.Origins, r.AllowHTTP); err != nil {
		fault("%w", err)
	}
	if c.server, err = c.origins.endpoint(r.TokenEndpoint.URL); err != nil {
		fault("TokenEndpoint.URL: %w", err)
	}
	if r.RevocationEndpoint.URL != "" {
		if c.revocationServer, err = c.origins.endpoint(r.RevocationEndpoint.URL); err != nil {
			fault("RevocationEndpoint.URL: %w", err)
		}
	}
	return c, errors.Join(faults...)
}

func (c *client) checkCredentials(fault func(string, ...any)) {
	static := c.ClientID != "" || c.ClientSecret.Reveal() != ""
	switch {
	case c.Credentials != nil && static:
		fault("Credentials is set beside ClientID or ClientSecret: set one or the other")
	case c.Credentials == nil && c.ClientID == "":
		fault("ClientID is empty: set it, or Credentials")
	case c.Credentials == nil && c.ClientSecret.Reveal() == "":
		fault("ClientSecret is empty: set it, or Credentials")
	}
	switch c.ClientAuth {
	case ClientSecretBasic:
	case ClientSecretBasicRaw:
		if strings.Contains(c.ClientID, ":") {
			fault("ClientID holds a colon, which raw Basic cannot carry (RFC 7617 §2)")
		}
	default:
		fault("ClientAuth %q is unknown: use ClientSecretBasic or ClientSecretBasicRaw", c.ClientAuth)
	}
}

func (c *client) checkGrant(fault func(string, ...any)) {
	if c.Grant != ClientCredentials {
		fault("Grant %q is unknown: use ClientCredentials", c.Grant)
	}
	for _, s := range c.Scopes {
		if s == "" || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }) {
			fault("Scopes: %q is no scope (RFC 6749 §3.3): list each by itself", s)
		}
	}
	for _, name := range []string{"grant_type", "scope", "client_id", "client_secret"} {
		if _, ok := c.Params[name]; ok {
			fault("Params holds %q, which has a field of its own", name)
		}
	}
}

func (c *client) checkHeaders(fault func(string, ...any)) {
	if len(c.Headers) == 0 {
		c.headers = []string{"Authorization"}
		return
	}
	for _, name := range c.Headers {
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		switch {
		case !isToken(name):
			fault("Headers: %q is no header name", name)
		case slices.Contains(c.headers, canonical):
			fault("Headers: %q is listed twice", name)
		case slices.Contains(unfitHeaders, canonical):
			fault("Headers: %q cannot carry a token", name)
		}
		c.headers = append(c.headers, canonical)
	}
}

// unfitHeaders mean something to net/http itself or to whoever is between.
var unfitHeaders = []string{"Host", "Content-Length", "Transfer-Encoding", "Trailer", "Connection", "Cookie", "Proxy-Authorization"}

// isToken reports whether s is a token of RFC 9110 §5.6.2.
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	})
}
