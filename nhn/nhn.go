package nhn

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/authtrip/authtrip"
)

const (
	publicAuthServer     = "https://oauth.api.nhncloudservice.com"
	governmentAuthServer = "https://oauth.api.gov-nhncloudservice.com"
)

// The two names of the token's header. The vendor's page "Use Token" says the
// first, its Spring sample and its framework API guide the second.
const (
	HeaderAuthentication = "x-nhn-authentication"
	HeaderAuthorization  = "x-nhn-authorization"
)

// settings are what options change.
type settings struct {
	cloud      string // authorization server of the selected cloud
	authServer string // another one, or empty
	hosts      []string
	more       []string
	headers    []string
	rejected   map[string][]string        // codes by host
	appKeys    map[string]authtrip.Secret // by service
	static     []staticHeader
	source     []authtrip.Option
}

// Option changes what [Registration], [NewSource] and [NewClient] make.
type Option func(*settings)

// Government selects the government cloud: its authorization server and hosts.
func Government() Option {
	return func(s *settings) { s.cloud, s.hosts = governmentAuthServer, governmentHosts }
}

// AuthServer sets another authorization server, such as
// "https://oauth.example.com", that serves /oauth2/token/create and
// /oauth2/token/revoke. Which hosts take the token stays as it is.
func AuthServer(url string) Option {
	return func(s *settings) { s.authServer = strings.TrimSuffix(url, "/") }
}

// Origins adds hosts that take the token, in the form that
// [authtrip.Registration].Origins takes. Give your own API Gateway stages by
// their exact names.
func Origins(origins ...string) Option {
	return func(s *settings) { s.more = append(s.more, origins...) }
}

// Headers sets the headers that carry the token. By default, and when names is
// empty, both [HeaderAuthentication] and [HeaderAuthorization] do, with the
// same value.
func Headers(names ...string) Option {
	return func(s *settings) {
		if len(names) > 0 {
			s.headers = names
		}
	}
}

// RejectedCodes adds to what is known of how services say, with HTTP 200, that
// they do not accept the token: on that host, in the form that
// [authtrip.Registration].Origins takes, these result codes do. A code that ends
// in "*" stands for all that begin so. Codes that deny a permission do not
// belong here.
func RejectedCodes(host string, codes ...string) Option {
	host = asListed(host)
	return func(s *settings) { s.rejected[host] = append(s.rejected[host], codes...) }
}

// With passes options of the authtrip package to the Source. [Registration]
// ignores it.
func With(options ...authtrip.Option) Option {
	return func(s *settings) { s.source = append(s.source, options...) }
}

// Registration describes an NHN Cloud client to the authtrip package, under
// the ID "nhn". It checks nothing; [authtrip.NewSource] does.
func Registration(c Credentials, options ...Option) authtrip.Registration {
	return apply(options).registration(c)
}

// NewSource returns a Source of NHN Cloud tokens, for wrapping a client that
// exists, and for revoking. It does no I/O.
func NewSource(c Credentials, options ...Option) (*authtrip.Source, error) {
	s := apply(options)
	if err := s.checkAppKeys(); err != nil {
		return nil, err
	}
	src, err := authtrip.NewSource(s.registration(c), s.source...)
	if err != nil && (c.UserAccessKeyID == "" || c.SecretAccessKey.Reveal() == "") {
		return nil, fmt.Errorf("%w\n(of nhn.Credentials, UserAccessKeyID is the ClientID and SecretAccessKey the ClientSecret; CredentialsFromEnv reads both)", err)
	}
	return src, err
}

// NewClient returns an http.Client whose requests to NHN Cloud's hosts carry a
// valid token; others pass untouched. It uses [http.DefaultTransport] and has
// no overall time-out; to wrap a client of your own, use [NewSource]. It does
// no I/O, and needs no closing.
func NewClient(c Credentials, options ...Option) (*http.Client, error) {
	src, err := NewSource(c, options...)
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: &authtrip.Transport{Source: src}}, nil
}

func apply(options []Option) *settings {
	s := &settings{
		cloud:    publicAuthServer,
		hosts:    publicHosts(),
		headers:  []string{HeaderAuthentication, HeaderAuthorization},
		rejected: rejectedCodes(),
		appKeys:  map[string]authtrip.Secret{},
	}
	for _, o := range options {
		if o != nil {
			o(s)
		}
	}
	if s.authServer == "" {
		s.authServer = s.cloud
	}
	return s
}

func (s *settings) registration(c Credentials) authtrip.Registration {
	return authtrip.Registration{
		ID:                 "nhn",
		ClientID:           c.UserAccessKeyID,
		ClientSecret:       c.SecretAccessKey,
		ClientAuth:         authtrip.ClientSecretBasicRaw,
		TokenEndpoint:      authtrip.Endpoint{URL: s.authServer + "/oauth2/token/create"},
		RevocationEndpoint: authtrip.Endpoint{URL: s.authServer + "/oauth2/token/revoke"},
		ExpiresInRemains:   true,
		Headers:            s.headers,
		HostHeaders:        s.hostHeaders(),
		Origins:            append(append([]string(nil), s.hosts...), s.more...),
		Envelopes:          envelopes(s.rejected),
	}
}
