package authtrip_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/authtrip/authtrip"
)

// RFC 6749 §2.3.1: a secret is not put into a URL, where proxies and servers
// log it.
func TestI14_ASecretForAGETGoesIntoAHeader(t *testing.T) {
	for name, byGET := range map[string]func(*authtrip.Registration){
		"TokenEndpoint": func(r *authtrip.Registration) { r.TokenEndpoint.Method = http.MethodGet },
		"RevocationEndpoint": func(r *authtrip.Registration) {
			r.RevocationEndpoint = authtrip.Endpoint{URL: "https://auth.example/revoke", Method: http.MethodGet}
		},
	} {
		r := registration()
		r.ClientAuth = authtrip.ClientSecretPost
		byGET(&r)
		_, err := authtrip.NewSource(r)
		wantAll(t, err, `registration "test"`, name, "would put the secret into the URL")
		r.ClientAuth = authtrip.ClientSecretBasic
		if _, err := authtrip.NewSource(r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// RFC 6749 §3.2: no parameter comes twice.
func TestAParameterOfAnEndpointsQueryIsNotSentBesides(t *testing.T) {
	for _, query := range []string{"audience=x", "grant_type=password", "v=1&code=x"} {
		for name, endpoint := range map[string]func(*authtrip.Registration) *authtrip.Endpoint{
			"TokenEndpoint":      func(r *authtrip.Registration) *authtrip.Endpoint { return &r.TokenEndpoint },
			"RevocationEndpoint": func(r *authtrip.Registration) *authtrip.Endpoint { return &r.RevocationEndpoint },
		} {
			r := registration()
			r.Params = url.Values{"audience": {"y"}}
			*endpoint(&r) = authtrip.Endpoint{URL: "https://auth.example/e?" + query, Method: http.MethodGet}
			_, err := authtrip.NewSource(r)
			wantAll(t, err, `registration "test"`, name+".URL has a query with", "must not come twice")
		}
	}
}
