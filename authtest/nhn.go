package authtest

import (
	"fmt"
	"net/http"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/nhn"
)

// NHN emulates NHN Cloud's authorization server and a framework API behind it.
//
// The authorization server has POST /oauth2/token/create and
// POST /oauth2/token/revoke, checks method, content type, raw Basic
// credentials and parameters, and answers errors as RFC 6749 §5.2 says. The
// API takes the token in x-nhn-authentication or x-nhn-authorization and
// answers 401 to a wrong one; see [API]. For services that answer 200 to it,
// and for a host that must not get the token, see [Services].
//
// An NHN is safe for concurrent use. Close it when done.
type NHN struct {
	// AuthURL and APIURL are the servers' addresses, without a final slash.
	AuthURL, APIURL string
	// ThirdPartyURL is a customer's API Gateway stage, beside NHN Cloud's own
	// services and open to anybody: a token must not go there, and Options do
	// not list it. Counts().Leaked counts those that came. Empty without
	// [Services].
	ThirdPartyURL string

	emulator
	userAccessKeyID string
	secretAccessKey string
	api             http.Handler
	services        map[Service]string // their URLs

	lifetime time.Duration     // guarded by mu
	tokens   map[string]*grant // guarded by mu
	latest   *grant            // guarded by mu
}

// grant is one issued token.
type grant struct {
	token   string
	issued  time.Time
	expiry  time.Time
	revoked bool // guarded by NHN.mu
}

// NewNHN starts an emulator on loopback. Tokens live 24 hours until
// [NHN.SetLifetime] says otherwise.
func NewNHN(options ...Option) *NHN {
	set := newSetup(options)
	s := &NHN{
		userAccessKeyID: "emulated-key-id",
		secretAccessKey: "emulated+secret/=&%",
		api:             set.api,
		services:        map[Service]string{},
		lifetime:        24 * time.Hour,
		tokens:          map[string]*grant{},
	}
	if s.api == nil {
		s.api = http.HandlerFunc(echo)
	}
	handlers := []http.HandlerFunc{s.serveAuth, s.serveAPI}
	if set.services {
		handlers = append(handlers, s.serveThirdParty)
		for _, rules := range allServices {
			handlers = append(handlers, s.serviceHandler(rules))
		}
	}
	urls := s.serve(set, handlers...)
	s.AuthURL, s.APIURL = urls[0], urls[1]
	if set.services {
		s.ThirdPartyURL = urls[2]
		for i, rules := range allServices {
			s.services[rules.name] = urls[3+i]
		}
	}
	return s
}

// Credentials are the ones that the authorization server accepts.
func (s *NHN) Credentials() nhn.Credentials {
	return nhn.Credentials{UserAccessKeyID: s.userAccessKeyID, SecretAccessKey: authtrip.NewSecret(s.secretAccessKey)}
}

// Options point the nhn package at the emulator: its authorization server, the
// origins of its API and services, the codes by which those reject a token, and
// a transport that reaches the authorization server.
func (s *NHN) Options() []nhn.Option {
	options := []nhn.Option{
		nhn.AuthServer(s.AuthURL), nhn.Origins(s.APIURL), nhn.With(authtrip.WithTokenTransport(s.tokenTransport())),
	}
	for _, rules := range allServices {
		url := s.services[rules.name]
		if url == "" {
			continue
		}
		options = append(options, nhn.Origins(url))
		if len(rules.rejects) > 0 {
			options = append(options, nhn.RejectedCodes(url, rules.rejects...))
		}
	}
	return options
}

// SetLifetime sets how long tokens issued from now on live.
func (s *NHN) SetLifetime(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lifetime = d
}

// Revoke ends token, as the revocation endpoint would.
func (s *NHN) Revoke(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.tokens[token]; g != nil {
		g.revoked = true
	}
}

// RevokeAll ends all tokens issued so far, as the framework API's
// DELETE …/tokens does.
func (s *NHN) RevokeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
	s.latest = nil
}

// String names the emulator without its credentials.
func (s *NHN) String() string {
	return fmt.Sprintf("authtest.NHN(%s, %s)", s.AuthURL, s.APIURL)
}
