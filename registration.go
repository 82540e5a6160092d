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
	"sync/atomic"
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
	// of the next second; it is shown as it is and must hold no secret.
	Credentials func(ctx context.Context) (clientID string, clientSecret Secret, err error)
	// ClientAuth is how the client proves itself; empty is ClientSecretBasic.
	ClientAuth ClientAuth
	// ClientIDHeader and ClientSecretHeader name the headers that carry id and
	// secret as they are, for ClientSecretHeaders.
	ClientIDHeader, ClientSecretHeader string
	// Authenticate, if set, proves the client in a way that ClientAuth has no
	// name for, such as a signed assertion (RFC 7521): it adds to the header or
	// the parameters of a token or revocation call what the server wants,
	// client_id included. What it adds is held to be secret. It may be called
	// from any goroutine, for every call; ctx ends with the call's time. An
	// error fails the token call, and those of the next second. ClientAuth must
	// be empty, ClientSecret may be.
	Authenticate func(ctx context.Context, clientID string, clientSecret Secret, header http.Header, params url.Values) error

	// Grant is how tokens are obtained; empty is ClientCredentials.
	Grant Grant
	// Scopes are asked for in one "scope" parameter; none sends none.
	Scopes []string
	// Params are sent with token requests besides the grant's own: an
	// "audience" or "resource", say.
	Params url.Values

	// AuthorizationEndpoint is where Source.AuthCodeURL sends users. A query in
	// its URL is kept: the place for parameters such as "prompt". For
	// AuthorizationCode.
	AuthorizationEndpoint Endpoint
	// RedirectURI is where the server sends users back to, as registered there
	// (RFC 6749 §3.1.2). Empty sends none. For AuthorizationCode.
	RedirectURI string
	// Issuer, if set, is how the server must name itself in the callback's
	// "iss" (RFC 9207): a callback without it is refused too, so set it only if
	// the server sends it. For AuthorizationCode.
	Issuer string
	// NoPKCE leaves out the proof key (RFC 7636, S256), for servers that refuse
	// parameters they do not know. For AuthorizationCode.
	NoPKCE bool
	// SendState sends the flow's state with the code too, as some servers want.
	// For AuthorizationCode.
	SendState bool
	// RefreshToken gives the refresh token to begin with when it came another
	// way. It is asked when the Store has none for the principal, which is
	// empty but for Manager.SourceFor and WithPrincipal, and again when that
	// login has ended; what began one login begins no other. An empty Secret
	// means that there is none; an error is shown as it is and must hold no
	// secret. Required for the RefreshToken grant, optional for
	// AuthorizationCode.
	RefreshToken func(ctx context.Context, principal string) (Secret, error)

	// TokenEndpoint issues tokens. Required.
	TokenEndpoint Endpoint
	// RevocationEndpoint ends them (RFC 7009). Without a URL, Source.Revoke
	// drops the token here only, and returns an error that says so.
	RevocationEndpoint Endpoint
	// TokenTransport, if set, is what this registration's token and revocation
	// calls go through instead of the Manager's: for a client certificate of
	// its own, say. See WithTokenTransport for what it must be.
	TokenTransport http.RoundTripper
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

	// HostHeaders are headers that a host wants beside the token and that do
	// not change, such as an application's key: by host in the form that
	// Origins takes, then by name. They go where the token goes, to that host
	// only. What the caller set there stands. Like tokens they are not shown.
	HostHeaders map[string]map[string]Secret

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
	// called for every response, from the goroutine that RoundTrip runs on.
	Reject func(*http.Response) Verdict
	// RejectStatus are further HTTP statuses that reject the token, whatever
	// the response says besides.
	RejectStatus []int
	// Envelopes are how services that answer 200 to everything say in the
	// response's JSON that they reject the token, by host in the form that
	// Origins takes. Only on these hosts is a response looked into; see
	// Envelope for what is read, and when.
	Envelopes map[string]Envelope
}

// Endpoint is a URL of an authorization server and how it is called.
type Endpoint struct {
	// URL is absolute, https (see Registration.AllowHTTP), without user
	// information or fragment; a query is kept.
	URL string
	// Method is POST, with the parameters as a form, or GET, with the
	// parameters in the query, as PRISM Live Studio has it. Empty is POST. An
	// AuthorizationEndpoint is for a browser: leave it empty there.
	Method string
}

// client is a checked Registration, ready for use. It never changes, but for
// what is known.
type client struct {
	Registration
	known  atomic.Pointer[credentials] // the last that Credentials gave; nil: ask
	server string                      // scheme://host:port of the token endpoint
	// revocationServer and authorizationServer are those of the other
	// endpoints, or empty.
	revocationServer     string
	authorizationServer  string
	headers              []string // canonical
	origins              originRule
	reject               func(*http.Response) Verdict
	envelopes            map[string]*envelopeRule     // by origin, and https hosts as they are usually written
	hostHeaders          map[string]map[string]Secret // by origin, then by canonical name
	hostHeadersAsWritten map[string]map[string]Secret // by host: how originRule.asWritten has it
}

// check returns the registration ready for use, or every fault in one error.
func (r Registration) check() (*client, error) {
	c := &client{Registration: r, reject: r.Reject}
	c.Scopes = slices.Clone(r.Scopes)
	c.Params = maps.Clone(r.Params)
	for k, v := range c.Params {
		c.Params[k] = slices.Clone(v)
	}
	c.RejectStatus = slices.Clone(r.RejectStatus)
	if c.reject == nil {
		c.reject = RejectBearer
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
	var err error
	if c.origins, err = newOriginRule(r.Origins, r.AllowHTTP); err != nil {
		fault("%w", err)
	}
	c.checkCredentials(fault)
	c.checkGrant(fault)
	c.checkHeaders(fault)
	c.checkHostHeaders(fault)
	c.checkEndpoints(fault)
	c.checkEnvelopes(fault)
	return c, errors.Join(faults...)
}

func (c *client) checkEndpoints(fault func(string, ...any)) {
	var err error
	if c.server, err = c.origins.endpoint(c.TokenEndpoint.URL); err != nil {
		fault("TokenEndpoint.URL: %w", err)
	}
	if c.RevocationEndpoint.URL != "" {
		if c.revocationServer, err = c.origins.endpoint(c.RevocationEndpoint.URL); err != nil {
			fault("RevocationEndpoint.URL: %w", err)
		}
	}
	for name, e := range map[string]*Endpoint{"TokenEndpoint": &c.TokenEndpoint, "RevocationEndpoint": &c.RevocationEndpoint} {
		switch e.Method {
		case "":
			e.Method = http.MethodPost
		case http.MethodPost, http.MethodGet:
		default:
			fault("%s.Method %q: use POST or GET", name, e.Method)
		}
		u, err := url.Parse(e.URL)
		if err != nil {
			continue
		}
		for param := range u.Query() {
			if _, ok := c.Params[param]; ok || slices.Contains(grantParams, param) {
				fault("%s.URL has a query with %q, which is sent besides: a parameter must not come twice (RFC 6749 §3.2)", name, param)
			}
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
