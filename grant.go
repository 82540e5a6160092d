package authtrip

import (
	"fmt"
	"net/url"
	"strings"
)

// Grant is how access tokens are obtained, by its name on the wire.
type Grant string

const (
	// ClientCredentials is the grant of RFC 6749 §4.4: the client's own token.
	ClientCredentials Grant = "client_credentials"
	// AuthorizationCode is the grant of RFC 6749 §4.1: a user's token. It
	// begins with Source.AuthCodeURL and Source.Exchange, or with
	// Source.ExchangeCode, and goes on with the refresh token that came with
	// it.
	AuthorizationCode Grant = "authorization_code"
	// RefreshToken is the grant of RFC 6749 §6, with a refresh token that came
	// another way; see Registration.RefreshToken.
	RefreshToken Grant = "refresh_token"
)

// ofUsers reports whether the grant's tokens belong to users, so that each
// principal has its own.
func (g Grant) ofUsers() bool { return g != ClientCredentials }

func (c *client) checkGrant(fault func(string, ...any)) {
	switch c.Grant {
	case ClientCredentials, RefreshToken, AuthorizationCode:
	default:
		fault("Grant %q is unknown: use ClientCredentials, AuthorizationCode or RefreshToken", c.Grant)
	}
	switch {
	case c.Grant == RefreshToken && c.RefreshToken == nil:
		fault("RefreshToken is nil: the grant needs it")
	case c.Grant == ClientCredentials && c.RefreshToken != nil:
		fault("RefreshToken is set, and the grant has no use for it")
	}
	c.checkAuthorizationCode(fault)
	if err := checkScopes(c.Scopes); err != nil {
		fault("Scopes: %w", err)
	}
	for _, name := range grantParams {
		if _, ok := c.Params[name]; ok {
			fault("Params holds %q, which has a field of its own or is the grant's", name)
		}
	}
}

func (c *client) checkAuthorizationCode(fault func(string, ...any)) {
	if c.Grant != AuthorizationCode {
		if c.AuthorizationEndpoint.URL != "" || c.RedirectURI != "" || c.Issuer != "" || c.NoPKCE || c.SendState {
			fault("AuthorizationEndpoint, RedirectURI, Issuer, NoPKCE and SendState are for the AuthorizationCode grant: set Grant, or leave them empty")
		}
		return
	}
	if c.AuthorizationEndpoint.Method != "" {
		fault("AuthorizationEndpoint.Method is set: a browser calls it, always by GET")
	}
	if c.AuthorizationEndpoint.URL != "" {
		var err error
		if c.authorizationServer, err = c.origins.endpoint(c.AuthorizationEndpoint.URL); err != nil {
			fault("AuthorizationEndpoint.URL: %w", err)
		}
	}
	if c.RedirectURI != "" {
		if u, err := url.Parse(c.RedirectURI); err != nil || u.Scheme == "" || u.Fragment != "" {
			fault("RedirectURI is no absolute URI without a fragment (RFC 6749 §3.1.2)")
		}
	}
}

// grantParams are the token request's parameters that Registration.Params must
// not hold.
var grantParams = []string{
	"grant_type", "scope", "client_id", "client_secret", "code", "redirect_uri", "code_verifier", "refresh_token",
}

func checkScopes(scopes []string) error {
	for _, s := range scopes {
		if s == "" || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }) {
			return fmt.Errorf("%q is no scope (RFC 6749 §3.3): list each by itself", s)
		}
	}
	return nil
}
