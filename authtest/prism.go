package authtest

import (
	"fmt"
	"net/http"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/prism"
)

// PRISM emulates a customer's service of B2B PRISM Live Studio: authorization
// server and API at one origin.
//
// GET /oauth/authorize is the page that a user's browser is sent to; it
// approves at once, for the user of [PRISM.SetUser]. GET
// /prism/v1/service/oauth2/token redeems codes and refresh tokens. It refuses
// whatever a PRISM client does not send: another method, a body, credentials
// elsewhere than in their headers, a repeated parameter, a Referer. Codes are
// good once and for ten minutes; using one again, or a refresh token that was
// rotated away, answers invalid_grant and ends all that came of that login.
// Every other path under /prism/v1/service/ is the API, which takes the token
// in x-prism-access-token, raw; see [API] and [PRISM.SetRejectedCode].
//
// A PRISM is safe for concurrent use. Close it when done.
type PRISM struct {
	// URL is the service's address, without a final slash.
	URL string

	emulator
	serviceID    string
	clientID     string
	clientSecret string
	redirectURIs []string // the first is PRISM's own
	api          http.Handler

	user         string                   // guarded by mu; of the page; empty: declines
	lifetime     time.Duration            // guarded by mu; 0 or less: unknown
	rotates      bool                     // guarded by mu
	noRefresh    bool                     // guarded by mu
	rejectedCode int                      // guarded by mu; 0: answer 401
	codes        map[string]*code         // guarded by mu
	access       map[string]*accessToken  // guarded by mu
	refresh      map[string]*refreshToken // guarded by mu
}

// RedirectURIs registers redirect URIs of a [PRISM] besides PRISM's own,
// https://global.apis.naver.com/prism/prism-auth-api/oauth/partner/{serviceId}.
func RedirectURIs(uris ...string) Option {
	return func(s *setup) { s.redirectURIs = append(s.redirectURIs, uris...) }
}

// NewPRISM starts an emulator on loopback. Access tokens live an hour until
// [PRISM.SetLifetime] says otherwise, and come with refresh tokens that are not
// rotated.
func NewPRISM(options ...Option) *PRISM {
	set := newSetup(options)
	s := &PRISM{
		serviceID:    "emulated-service",
		clientID:     "emulated-client-id",
		clientSecret: "emulated+secret/=&%",
		api:          set.api,
		user:         "user",
		lifetime:     time.Hour,
		codes:        map[string]*code{},
		access:       map[string]*accessToken{},
		refresh:      map[string]*refreshToken{},
	}
	s.redirectURIs = append([]string{"https://global.apis.naver.com/prism/prism-auth-api/oauth/partner/" + s.serviceID}, set.redirectURIs...)
	s.URL = s.serve(set, s.serveAll)[0]
	return s
}

// serveAll tells the page, the token endpoint and the API apart.
func (s *PRISM) serveAll(w http.ResponseWriter, r *http.Request) {
	const service = "/prism/v1/service/"
	switch path := r.URL.Path; {
	case path == "/oauth/authorize":
		s.record("auth", r)
		s.servePage(w, r)
	case path == service+"oauth2/token":
		s.record("auth", r)
		s.serveToken(w, r)
	case len(path) > len(service) && path[:len(service)] == service:
		s.record("api", r)
		s.serveAPI(w, r)
	default:
		s.record("api", r)
		http.NotFound(w, r)
	}
}

// Client is the one that the service knows, for [prism.Registration].
func (s *PRISM) Client() prism.Client {
	return prism.Client{
		ServiceAPIDomain: s.URL, ServiceID: s.serviceID,
		ClientID: s.clientID, ClientSecret: authtrip.NewSecret(s.clientSecret),
	}
}

// Options make token calls reach the emulator, in memory and over its TLS too.
func (s *PRISM) Options() []authtrip.Option {
	return []authtrip.Option{authtrip.WithTokenTransport(s.tokenTransport())}
}

// Code returns a code as the page gives it for user and PRISM's own redirect
// URI: one that came another way than through a browser. A state sent with it
// is not compared with anything.
func (s *PRISM) Code(user string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.newCode(&code{user: user, redirectURI: s.redirectURIs[0]})
}

// SetUser sets who approves at the page; it is "user" at first. An empty name
// declines: the page answers access_denied.
func (s *PRISM) SetUser(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.user = name
}

// SetLifetime sets how long access tokens issued from now on live. With 0 or
// less they do not expire, and replies have no expires_in.
func (s *PRISM) SetLifetime(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lifetime = d
}

// SetRotation sets whether a refresh token is replaced when it is used. A
// reply without rotation has none: the old one stays good.
func (s *PRISM) SetRotation(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rotates = on
}

// SetRefreshTokens sets whether replies have refresh tokens, as they do at
// first. Those given before stay good.
func (s *PRISM) SetRefreshTokens(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noRefresh = !on
}

// SetRejectedCode makes the API answer a token that is not valid with HTTP 200
// and an envelope that has this errorCode, which must be another than 0; see
// [prism.Rejected]. With 0, as at first, it answers 401.
func (s *PRISM) SetRejectedCode(code int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rejectedCode = code
}

// RevokeAll ends all access tokens issued so far. Refresh tokens stay good.
func (s *PRISM) RevokeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.access)
}

// EndLogins ends all access and refresh tokens issued so far, as when users
// withdraw what they granted. Codes that were not used stay good.
func (s *PRISM) EndLogins() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.access)
	clear(s.refresh)
}

// String names the emulator without its credentials.
func (s *PRISM) String() string { return fmt.Sprintf("authtest.PRISM(%s)", s.URL) }
