package emulator

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/nhn"
)

type nhnProvider struct {
	*authtest.NHN
	withServices bool
}

func newNHN(f flags) provider {
	p := nhnProvider{authtest.NewNHN(authtest.InMemory()), f.services}
	p.SetLifetime(f.lifetime)
	return p
}

func (p nhnProvider) token(h http.Header) string {
	for _, name := range []string{nhn.HeaderAuthentication, nhn.HeaderAuthorization} {
		if v := h.Get(name); v != "" {
			return strings.TrimPrefix(v, "Bearer ")
		}
	}
	return ""
}

// rejects are the codes by which a service rejects a token with status 200.
// They are those of package authtest.
var rejects = map[authtest.Service]string{
	authtest.Framework: "80007", authtest.Partner: "80401", authtest.RDS: "80401",
	authtest.APIGateway: "401100003", authtest.NotificationHub: "401*",
	authtest.NCR: "", authtest.Deploy: "",
}

func (p nhnProvider) services() (all []service) {
	if !p.withServices {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(rejects)) {
		all = append(all, service{string(name), p.ServiceHandler(name)})
	}
	return all
}

func (p nhnProvider) switches() []ownSwitch { return nil }

func (p nhnProvider) guide(base string, services map[string]string, _ http.Handler) guide {
	c := p.Credentials()
	id, secret := c.UserAccessKeyID, c.SecretAccessKey.Reveal()
	g := guide{
		Name: "NHN Cloud", Base: base, Registration: "nhn",
		Facts: []fact{
			{"page", base + pagePath},
			{"token endpoint", base + "/oauth2/token/create"},
			{"API", base + "/v1/organizations, and any other path"},
			{"User Access Key ID", id},
			{"Secret Access Key", secret},
		},
		Steps: []step{
			{"Get a token", "curl -u '" + id + ":" + secret + "' -d grant_type=client_credentials " + base + "/oauth2/token/create"},
			{"Use it", "curl -H 'x-nhn-authentication: Bearer TOKEN' " + base + "/v1/organizations"},
		},
	}
	origins, envelopes := []string{quoted(base)}, ""
	for _, name := range slices.Sorted(maps.Keys(services)) {
		g.Facts = append(g.Facts, fact{name, services[name]})
		origins = append(origins, quoted(services[name]))
		if code := rejects[authtest.Service(name)]; code != "" {
			envelopes += fmt.Sprintf("      %s: {code: header.resultCode, rejected: %s}\n", quoted(services[name]), quoted(code))
		}
	}
	g.Config = fmt.Sprintf(`registration:
  nhn:
    provider: nhn
    client_id: %s
    client_secret: %s
    token_uri: %s
    revocation_uri: %s
    more_origins: [%s]
`, quoted(id), quoted(secret), quoted(base+"/oauth2/token/create"), quoted(base+"/oauth2/token/revoke"), strings.Join(origins, ", "))
	if envelopes != "" {
		g.Config += "    envelopes:\n" + envelopes
	}
	return g
}
