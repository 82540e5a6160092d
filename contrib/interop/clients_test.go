package interop_test

import "github.com/authtrip/authtrip"

const callbackURL = "https://app.example.com/callback"

// scopes are what the clients may ask for. fosite issues a refresh token to
// those who are granted "offline".
var scopes = []string{"notes", "offline"}

// oauthClient is a client that the server knows, with the one way to prove
// itself that the server takes from it. One without secret is public.
type oauthClient struct {
	id, secret string
	auth       authtrip.ClientAuth
}

var (
	// odd cannot travel in a Basic header unless id and secret are encoded
	// first (RFC 6749 §2.3.1).
	odd     = oauthClient{"shop:über/1 &+%41", "s:e/c r+e%74&=ü?", authtrip.ClientSecretBasic}
	basic   = oauthClient{"basic", "8T7KQ2Vd-basic-secret", authtrip.ClientSecretBasic}
	post    = oauthClient{"post", "w+5/Zp=R-post-secret", authtrip.ClientSecretPost}
	public  = oauthClient{"public", "", authtrip.ClientAuthNone}
	clients = []oauthClient{odd, basic, post, public}
)

// machine is c's registration for tokens of its own.
func (c oauthClient) machine(w *world) authtrip.Registration {
	return authtrip.Registration{
		ID:            c.id,
		ClientID:      c.id,
		ClientSecret:  authtrip.NewSecret(c.secret),
		ClientAuth:    c.auth,
		Scopes:        []string{"notes"},
		TokenEndpoint: authtrip.Endpoint{URL: w.auth.URL + "/token"},
		Origins:       []string{w.api.URL},
	}
}

// users is c's registration for tokens of its users.
func (c oauthClient) users(w *world) authtrip.Registration {
	r := c.machine(w)
	r.Grant = authtrip.AuthorizationCode
	r.Scopes = scopes
	r.AuthorizationEndpoint = authtrip.Endpoint{URL: w.auth.URL + "/authorize"}
	r.RevocationEndpoint = authtrip.Endpoint{URL: w.auth.URL + "/revoke"}
	r.RedirectURI = callbackURL
	return r
}
