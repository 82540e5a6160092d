package emulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"

	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/prism"
)

// prismUser is who is logged in from the start, and who approves at the page.
const prismUser = "user"

type prismProvider struct {
	*authtest.PRISM
	redirectURIs []string // besides PRISM's own
}

func newPRISM(f flags) provider {
	p := prismProvider{authtest.NewPRISM(authtest.InMemory(), authtest.RedirectURIs(f.redirect...)), f.redirect}
	p.SetLifetime(f.lifetime)
	return p
}

func (p prismProvider) token(h http.Header) string { return h.Get(prism.HeaderAccessToken) }

func (p prismProvider) services() []service { return nil }

func (p prismProvider) switches() []ownSwitch {
	return []ownSwitch{
		{
			Action: "end-logins", Button: "End all logins", Says: "Ends access and refresh tokens, as when users withdraw what they granted.",
			throw: p.EndLogins, done: "All logins are ended: users must come back to the authorization page.",
		}, {
			Action: "keep", Button: "Keep refresh tokens", Says: "Leaves a refresh token good when it is used.", Choice: "rotation",
			throw: func() { p.SetRotation(false) }, done: "Refresh tokens stay good when they are used.",
		}, {
			Action: "rotate", Button: "Rotate refresh tokens", Says: "Replaces a refresh token when it is used.", Choice: "rotation",
			throw: func() { p.SetRotation(true) }, done: "Refresh tokens are replaced when they are used.",
		}, {
			Action: "approve", Button: "Approve users", Says: "The authorization page sends them back with a code.", Choice: "page",
			throw: func() { p.SetUser(prismUser) }, done: "The authorization page approves.",
		}, {
			Action: "decline", Button: "Decline users", Says: "It sends them back with access_denied.", Choice: "page",
			throw: func() { p.SetUser("") }, done: "The authorization page declines.",
		},
	}
}

// tokenPath is PRISM's token endpoint.
const tokenPath = "/prism/v1/service/oauth2/token"

func (p prismProvider) guide(base string, _ map[string]string, handler http.Handler) guide {
	c := p.Client()
	secret := c.ClientSecret.Reveal()
	redirect := "https://global.apis.naver.com/prism/prism-auth-api/oauth/partner/" + c.ServiceID
	proof := fmt.Sprintf("-H 'x-prism-client-id: %s' -H 'x-prism-client-secret: %s' ", c.ClientID, secret)
	g := guide{
		Name: "PRISM service", Base: base, Registration: "prism",
		Facts: []fact{
			{"page", base + pagePath},
			{"authorization page", base + "/oauth/authorize"},
			{"token endpoint", base + tokenPath},
			{"API", base + "/prism/v1/service/user, and what else is below service/"},
			{"service ID", c.ServiceID},
			{"client ID", c.ClientID},
			{"client secret", secret},
		},
		Steps: []step{
			{"Get a code: it is in the Location", "curl -si '" + base + "/oauth/authorize?" + url.Values{
				"response_type": {"code"}, "client_id": {c.ClientID}, "redirect_uri": {redirect},
			}.Encode() + "'"},
			{"Redeem it: the reply has an access and a refresh token", "curl -G " + proof + "-d grant_type=authorization_code -d redirect_uri=" + redirect + " -d code=CODE " + base + tokenPath},
			{"Use the access token", "curl -H 'x-prism-access-token: TOKEN' " + base + "/prism/v1/service/user"},
			{"Renew it", "curl -G " + proof + "-d grant_type=refresh_token -d refresh_token=TOKEN " + base + tokenPath},
		},
	}
	g.Config = fmt.Sprintf(`registration:
  prism:
    provider: prism
    service_api_domain: %s
    service_id: %s
    client_id: %s
    client_secret: %s
    refresh_token: %s
`, quoted(base), quoted(c.ServiceID), quoted(c.ClientID), quoted(secret), quoted(p.login(handler, redirect)))
	if len(p.redirectURIs) > 0 {
		g.Config += "    redirect_uri: " + quoted(p.redirectURIs[0]) + "\n"
	}
	return g
}

// login redeems a code and returns the refresh token.
func (p prismProvider) login(handler http.Handler, redirect string) string {
	c := p.Client()
	r := httptest.NewRequest(http.MethodGet, tokenPath+"?"+url.Values{
		"grant_type": {"authorization_code"}, "code": {p.Code(prismUser)}, "redirect_uri": {redirect},
	}.Encode(), nil)
	r.Header.Set(prism.HeaderClientID, c.ClientID)
	r.Header.Set(prism.HeaderClientSecret, c.ClientSecret.Reveal())
	r.Header.Set("User-Agent", "the emulator itself")
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	var reply struct {
		RefreshToken string `json:"refresh_token"`
	}
	_ = json.Unmarshal(w.Body.Bytes(), &reply)
	return reply.RefreshToken
}
