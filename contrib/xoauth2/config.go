package xoauth2

import (
	"maps"
	"strings"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/authtrip/authtrip"
)

// FromClientCredentials returns cfg as a registration with that ID, whose token
// calls are the ones that cfg would make. Set Origins and whatever else on it,
// and give it to [authtrip.NewSource] or NewManager, which check all of it: a
// nil cfg is one without a ClientID.
//
// AuthStyleInHeader becomes ClientSecretBasic and AuthStyleInParams
// ClientSecretPost. AuthStyleAutoDetect, the zero value, becomes
// ClientSecretBasic, which servers must know (RFC 6749 §2.3.1) and x/oauth2
// tries first. Nothing is tried after that: x/oauth2 sends a second call after
// every error of the first, so that a wrong secret or an outage counts twice. If
// the server answers invalid_client here and accepts cfg there, it wants
// ClientSecretPost: set ClientAuth to it. Without a secret the client is a
// public one, ClientAuthNone, unless the style is AuthStyleInHeader.
//
// EndpointParams are the registration's Params, which print as they are. A
// "grant_type" in them, which x/oauth2 would send in place of its own, is
// refused by NewSource.
func FromClientCredentials(id string, cfg *clientcredentials.Config) authtrip.Registration {
	if cfg == nil {
		cfg = &clientcredentials.Config{}
	}
	return authtrip.Registration{
		ID: id, ClientID: cfg.ClientID, ClientSecret: secretOf(cfg.ClientSecret),
		ClientAuth:    clientAuth(cfg.AuthStyle, cfg.ClientSecret),
		Scopes:        scopes(cfg.Scopes),
		Params:        maps.Clone(cfg.EndpointParams),
		TokenEndpoint: authtrip.Endpoint{URL: cfg.TokenURL},
	}
}

// FromConfig returns cfg as a registration for the AuthorizationCode grant,
// with that ID; for the rest see [FromClientCredentials].
//
// A proof key (RFC 7636) is sent without being asked for; set NoPKCE for a
// server that refuses it. What was passed as an [oauth2.AuthCodeOption], such as
// access_type, goes into the query of AuthorizationEndpoint.URL. The Endpoint's
// DeviceAuthURL has no counterpart.
//
// The refresh token of a saved [oauth2.Token] is what
// [authtrip.Registration] calls RefreshToken:
//
//	reg.RefreshToken = func(ctx context.Context, principal string) (authtrip.Secret, error) {
//		return authtrip.NewSecret(saved[principal].RefreshToken), nil
//	}
//
// It is the beginning only: from then on the user's refresh token is in the
// Store, so give the Manager one that is kept if the program's restarts are not
// to log users out.
func FromConfig(id string, cfg *oauth2.Config) authtrip.Registration {
	if cfg == nil {
		cfg = &oauth2.Config{}
	}
	return authtrip.Registration{
		ID: id, ClientID: cfg.ClientID, ClientSecret: secretOf(cfg.ClientSecret),
		ClientAuth:            clientAuth(cfg.Endpoint.AuthStyle, cfg.ClientSecret),
		Grant:                 authtrip.AuthorizationCode,
		Scopes:                scopes(cfg.Scopes),
		AuthorizationEndpoint: authtrip.Endpoint{URL: cfg.Endpoint.AuthURL},
		RedirectURI:           cfg.RedirectURL,
		TokenEndpoint:         authtrip.Endpoint{URL: cfg.Endpoint.TokenURL},
	}
}

func clientAuth(style oauth2.AuthStyle, secret string) authtrip.ClientAuth {
	switch {
	case style == oauth2.AuthStyleInHeader:
		return authtrip.ClientSecretBasic
	case secret == "": // x/oauth2 leaves the empty client_secret out
		return authtrip.ClientAuthNone
	case style == oauth2.AuthStyleInParams:
		return authtrip.ClientSecretPost
	}
	return authtrip.ClientSecretBasic
}

// secretOf leaves the zero Secret where there is none.
func secretOf(text string) authtrip.Secret {
	if text == "" {
		return authtrip.Secret{}
	}
	return authtrip.NewSecret(text)
}

// scopes lists each by itself: x/oauth2 joins what it is given, so that "a b"
// does for two.
func scopes(of []string) []string { return strings.Fields(strings.Join(of, " ")) }
