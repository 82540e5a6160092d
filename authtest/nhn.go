// Package authtest has strict emulators of the services that authtrip is used
// with, for tests of code that uses it: real HTTP servers that issue tokens,
// let them expire, revoke them, check what they are sent, count, and fail on
// demand.
//
//	srv := authtest.NewNHN()
//	defer srv.Close()
//	client, err := nhn.NewClient(srv.Credentials(), srv.Options()...)
//	res, err := client.Get(srv.APIURL + "/v1/organizations")
package authtest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
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
// answers 401 to a wrong one; see [API].
//
// An NHN is safe for concurrent use. Close it when done.
type NHN struct {
	// AuthURL and APIURL are the servers' addresses, without a final slash.
	AuthURL, APIURL string

	userAccessKeyID string
	secretAccessKey string
	transport       *http.Transport
	api             http.Handler
	shut            []func()
	closed          chan struct{}
	once            sync.Once

	mu       sync.Mutex
	lifetime time.Duration     // guarded by mu
	tokens   map[string]*grant // guarded by mu
	latest   *grant            // guarded by mu
	fault    *fault            // guarded by mu; nil: none
	counts   Counts            // guarded by mu
	calling  int               // guarded by mu; token calls under way
	requests []Request         // guarded by mu; a ring of the last maxRequests
}

// grant is one issued token.
type grant struct {
	token   string
	expiry  time.Time
	revoked bool // guarded by NHN.mu
}

// Option is a setting of an emulator.
type Option func(*setup)

type setup struct {
	memory, tls bool
	api         http.Handler
}

// InMemory serves without sockets, so that tests in a testing/synctest bubble
// can use it; there, its clock is the bubble's. Only clients over
// [NHN.Transport] reach it. Start it in the bubble, and close it there.
func InMemory() Option { return func(s *setup) { s.memory = true } }

// TLS serves https with a certificate of its own, which [NHN.Transport]
// trusts, so that only clients over that reach it. InMemory goes before TLS.
func TLS() Option { return func(s *setup) { s.tls = true } }

// API sets what serves API requests whose token was accepted. By default every
// path answers 200 with an NHN envelope that repeats method, path and the
// body's length and SHA-256; GET /v1/organizations lists one organization.
func API(h http.Handler) Option { return func(s *setup) { s.api = h } }

// NewNHN starts an emulator on loopback. Tokens live 24 hours until
// [NHN.SetLifetime] says otherwise.
func NewNHN(options ...Option) *NHN {
	set := setup{api: http.HandlerFunc(echo)}
	for _, o := range options {
		if o != nil {
			o(&set)
		}
	}
	s := &NHN{
		userAccessKeyID: "emulated-key-id",
		secretAccessKey: "emulated+secret/=&%",
		api:             set.api,
		closed:          make(chan struct{}),
		lifetime:        24 * time.Hour,
		tokens:          map[string]*grant{},
	}
	auth, api := http.HandlerFunc(s.serveAuth), http.HandlerFunc(s.serveAPI)
	if set.memory {
		s.AuthURL, s.APIURL, s.transport, s.shut = serveInMemory(auth, api)
		return s
	}
	a, b := httptest.NewUnstartedServer(auth), httptest.NewUnstartedServer(api)
	for _, srv := range []*httptest.Server{a, b} {
		srv.Config.ErrorLog = silent
		if set.tls {
			srv.StartTLS()
		} else {
			srv.Start()
		}
		s.shut = append(s.shut, srv.CloseClientConnections, srv.Close)
	}
	s.AuthURL, s.APIURL = a.URL, b.URL
	s.transport = a.Client().Transport.(*http.Transport).Clone()
	s.transport.MaxIdleConnsPerHost = 1000
	return s
}

// Close stops the servers and lets go of requests that hang.
func (s *NHN) Close() {
	s.once.Do(func() {
		close(s.closed)
		s.transport.CloseIdleConnections()
		for _, f := range s.shut {
			f()
		}
	})
}

// Credentials are the ones that the authorization server accepts.
func (s *NHN) Credentials() nhn.Credentials {
	return nhn.Credentials{UserAccessKeyID: s.userAccessKeyID, SecretAccessKey: authtrip.NewSecret(s.secretAccessKey)}
}

// Options point the nhn package at the emulator: its authorization server, its
// API's origin, and a transport that reaches it.
func (s *NHN) Options() []nhn.Option {
	token := s.transport.Clone()
	token.DisableKeepAlives = true
	return []nhn.Option{nhn.AuthServer(s.AuthURL), nhn.Origins(s.APIURL), nhn.With(authtrip.WithTokenTransport(token))}
}

// Transport reaches the emulator, in memory and over its TLS too. It adds no
// token: wrap it. Every call returns the same one.
func (s *NHN) Transport() *http.Transport { return s.transport }

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
