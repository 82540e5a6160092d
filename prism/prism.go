// Package prism is the preset for B2B PRISM Live Studio: a customer's service
// that issues tokens over a GET with the client's secret in a header, and takes
// them in a header of its own.
//
//	reg := prism.Registration(prism.Client{
//		ServiceAPIDomain: "https://service.example.com", ServiceID: "my-service",
//		ClientID: id, ClientSecret: authtrip.NewSecret(secret),
//	})
//	mgr, err := authtrip.NewManager([]authtrip.Registration{reg})
//	src, err := mgr.SourceFor("prism", "user-42")
//	err = src.ExchangeCode(ctx, code, nil) // the code that came to the redirect URI
//	client.Transport = &authtrip.Transport{Source: src, Base: client.Transport}
//
// It follows B2B PRISM Live Studio > "OAuth 2.0 authorization". Each user is a
// principal with a token of its own. The code and the refresh token travel in
// the URL's query, as the document has it: no error shows them, and token calls
// follow no redirect.
package prism

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/authtrip/authtrip"
)

// Client is an OAuth 2.0 client of a customer's service.
type Client struct {
	// ServiceAPIDomain is where the service's API is, such as
	// "https://service.example.com". Its tokens go there only. Required.
	ServiceAPIDomain string
	// ClientID and ClientSecret are those that the service gave. Required.
	ClientID     string
	ClientSecret authtrip.Secret
	// ServiceID is the service's name at PRISM, from which the redirect URI is
	// made. Empty sends no redirect URI, unless RedirectURI says one.
	ServiceID string
}

// The header that carries the token, and those of the client's credentials.
const (
	HeaderAccessToken  = "x-prism-access-token"
	HeaderClientID     = "x-prism-client-id"
	HeaderClientSecret = "x-prism-client-secret"
)

// Option changes what [Registration] makes.
type Option func(*authtrip.Registration)

// AuthorizeURL sets the service's authorization page. By default it is
// /oauth/authorize at the ServiceAPIDomain.
func AuthorizeURL(url string) Option {
	return func(r *authtrip.Registration) { r.AuthorizationEndpoint.URL = url }
}

// RedirectURI sets another redirect URI than PRISM's own.
func RedirectURI(uri string) Option {
	return func(r *authtrip.Registration) { r.RedirectURI = uri }
}

// SendState sends the flow's state with the code too, as newer documents have
// it.
func SendState() Option {
	return func(r *authtrip.Registration) { r.SendState = true }
}

// Rejected sets the error codes of the service's API that mean that it does not
// accept the token, though it answers 200. By default only a 401 does.
func Rejected(codes ...string) Option {
	return func(r *authtrip.Registration) {
		r.Envelopes = map[string]authtrip.Envelope{}
		if len(codes) > 0 && len(r.Origins) > 0 {
			r.Envelopes[r.Origins[0]] = authtrip.Envelope{Success: "success", Code: "errorCode", Rejected: codes}
		}
	}
}

// Registration describes the client to the authtrip package, under the ID
// "prism". It checks nothing; [authtrip.NewManager] does.
func Registration(c Client, options ...Option) authtrip.Registration {
	domain := strings.TrimSuffix(c.ServiceAPIDomain, "/")
	if domain != "" && !strings.Contains(domain, "://") {
		domain = "https://" + domain
	}
	r := authtrip.Registration{
		ID:                    "prism",
		ClientID:              c.ClientID,
		ClientSecret:          c.ClientSecret,
		ClientAuth:            authtrip.ClientSecretHeaders,
		ClientIDHeader:        HeaderClientID,
		ClientSecretHeader:    HeaderClientSecret,
		Grant:                 authtrip.AuthorizationCode,
		NoPKCE:                true,
		AuthorizationEndpoint: authtrip.Endpoint{URL: domain + "/oauth/authorize"},
		TokenEndpoint:         authtrip.Endpoint{URL: domain + "/prism/v1/service/oauth2/token", Method: http.MethodGet},
		Headers:               []string{HeaderAccessToken},
		RawToken:              true,
		Origins:               []string{originOf(domain)},
	}
	if c.ServiceID != "" {
		r.RedirectURI = "https://global.apis.naver.com/prism/prism-auth-api/oauth/partner/" + url.PathEscape(c.ServiceID)
	}
	for _, o := range options {
		if o != nil {
			o(&r)
		}
	}
	return r
}

// originOf is the scheme and host of a domain, which may have a path. What it
// cannot read it leaves for the registration's check to refuse.
func originOf(domain string) string {
	u, err := url.Parse(domain)
	if err != nil || u.Host == "" {
		return domain
	}
	return u.Scheme + "://" + u.Host
}
