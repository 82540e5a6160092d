package authtrip_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
)

// sent returns the last call over the transport that it makes, as header and
// parameters.
type sent struct {
	method string
	header http.Header
	query  string
	form   string
}

func (s *sent) RoundTrip(r *http.Request) (*http.Response, error) {
	*s = sent{method: r.Method, header: r.Header, query: r.URL.RawQuery}
	if r.Body != nil {
		b, _ := io.ReadAll(r.Body)
		s.form = string(b)
	}
	return jsonReply(r, 200, map[string]any{"access_token": "a"}), nil
}

func TestTheClientProvesItself(t *testing.T) {
	const grant = "grant_type=client_credentials"
	for name, c := range map[string]struct {
		change func(*authtrip.Registration)
		header map[string]string
		form   string
		query  string
	}{
		"in the body": {
			func(r *authtrip.Registration) { r.ClientAuth = authtrip.ClientSecretPost },
			nil, "client_id=id&client_secret=s3cret-s3cret&" + grant, "",
		},
		"in headers": {
			func(r *authtrip.Registration) {
				r.ClientAuth, r.ClientIDHeader, r.ClientSecretHeader = authtrip.ClientSecretHeaders, "x-prism-client-id", "x-prism-client-secret"
			},
			map[string]string{"x-prism-client-id": "id", "x-prism-client-secret": "s3cret-s3cret"}, grant, "",
		},
		"not at all": {
			func(r *authtrip.Registration) {
				r.ClientAuth, r.ClientSecret = authtrip.ClientAuthNone, authtrip.Secret{}
			},
			nil, "client_id=id&" + grant, "",
		},
		"by an assertion": {
			func(r *authtrip.Registration) {
				r.ClientSecret = authtrip.Secret{}
				r.Authenticate = func(_ context.Context, id string, _ authtrip.Secret, h http.Header, p url.Values) error {
					h.Set("X-Signed", "now")
					p.Set("client_id", id)
					p.Set("client_assertion", "jwt")
					return nil
				}
			},
			map[string]string{"X-Signed": "now"}, "client_assertion=jwt&client_id=id&" + grant, "",
		},
		"by GET": {
			func(r *authtrip.Registration) {
				r.TokenEndpoint.Method, r.TokenEndpoint.URL = http.MethodGet, r.TokenEndpoint.URL+"?v=1"
				r.ClientAuth, r.ClientIDHeader, r.ClientSecretHeader = authtrip.ClientSecretHeaders, "A", "B"
			},
			map[string]string{"A": "id", "B": "s3cret-s3cret"}, "", "v=1&" + grant,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := registration()
			c.change(&r)
			var got sent
			src := newSource(t, r, authtrip.WithTokenTransport(&got))
			if _, err := src.Token(t.Context()); err != nil {
				t.Fatal(err)
			}
			for name, want := range c.header {
				if v := got.header.Values(name); len(v) != 1 || v[0] != want {
					t.Errorf("%s is %q, want %q", name, v, want)
				}
			}
			if got.header.Get("Authorization") != "" || got.form != c.form || got.query != c.query {
				t.Errorf("sent %v %q %q", got.header, got.form, got.query)
			}
		})
	}
}

func TestWhatAuthenticateAddsIsASecret(t *testing.T) {
	r := registration()
	r.Authenticate = func(_ context.Context, _ string, _ authtrip.Secret, h http.Header, p url.Values) error {
		h.Set("Authorization", "Signature CANARY-one")
		p.Set("client_assertion", "CANARY-two")
		return nil
	}
	src := newSource(t, r, authtrip.WithTokenTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
		b, _ := io.ReadAll(r.Body)
		return nil, fmt.Errorf("proxy: %v %s", r.Header, b)
	})))
	_, err := src.Token(t.Context())
	if err == nil || strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), "CANARY") {
		t.Fatalf("%v", err)
	}
}

func TestAFailingAuthenticateIsTheClientsTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := registration()
		asked := 0
		r.Authenticate = func(context.Context, string, authtrip.Secret, http.Header, url.Values) error {
			asked++
			return errors.New("the key is locked")
		}
		src := newSource(t, r, authtrip.Policy{BreakerFailures: 1})
		for range 5 {
			_, err := src.Token(t.Context())
			wantAll(t, err, `"test"`, "Authenticate: the key is locked")
			if errors.Is(err, authtrip.ErrCircuitOpen) {
				t.Fatal("it opened the server's circuit")
			}
		}
		if asked != 1 {
			t.Fatalf("asked %d times within a second", asked)
		}
		settle(time.Second)
		_, _ = src.Token(t.Context())
		if asked != 2 {
			t.Fatalf("asked %d times", asked)
		}
	})
}

func TestFaultsOfAClientsProof(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*authtrip.Registration)
		says   string
	}{
		"unknown":           {func(r *authtrip.Registration) { r.ClientAuth = "jwt" }, `ClientAuth "jwt" is unknown`},
		"no header names":   {func(r *authtrip.Registration) { r.ClientAuth = authtrip.ClientSecretHeaders }, "set ClientIDHeader and ClientSecretHeader"},
		"a bad header name": {headerNames("a b", "c"), `"a b" cannot carry a credential`},
		"Host":              {headerNames("a", "host"), `"host" cannot carry a credential`},
		"the same":          {headerNames("a", "A"), "are the same"},
		"names for nothing": {func(r *authtrip.Registration) { r.ClientIDHeader = "a" }, "are for ClientSecretHeaders"},
		"secret for nobody": {func(r *authtrip.Registration) { r.ClientAuth = authtrip.ClientAuthNone }, "ClientAuthNone sends none"},
		"none for POST": {func(r *authtrip.Registration) {
			r.ClientAuth, r.ClientSecret = authtrip.ClientSecretPost, authtrip.Secret{}
		}, "ClientSecret is empty"},
		"two ways":            {func(r *authtrip.Registration) { r.ClientAuth, r.Authenticate = authtrip.ClientSecretPost, noProof }, "set one or the other"},
		"a strange method":    {func(r *authtrip.Registration) { r.TokenEndpoint.Method = "PUT" }, `TokenEndpoint.Method "PUT": use POST or GET`},
		"unknown grant":       {func(r *authtrip.Registration) { r.Grant = "password" }, `Grant "password" is unknown`},
		"a code's parameter":  {func(r *authtrip.Registration) { r.Params = url.Values{"code": {"x"}} }, `Params holds "code"`},
		"no refresh token":    {func(r *authtrip.Registration) { r.Grant = authtrip.RefreshToken }, "RefreshToken is nil"},
		"one for nothing":     {func(r *authtrip.Registration) { r.RefreshToken = noToken }, "the grant has no use for it"},
		"a redirect":          {func(r *authtrip.Registration) { r.RedirectURI = "https://a.example" }, "are for the AuthorizationCode grant"},
		"a bad redirect":      {asCode(func(r *authtrip.Registration) { r.RedirectURI = "callback" }), "RedirectURI is no absolute URI"},
		"a browser's method":  {asCode(func(r *authtrip.Registration) { r.AuthorizationEndpoint.Method = "GET" }), "AuthorizationEndpoint.Method"},
		"an insecure page":    {asCode(func(r *authtrip.Registration) { r.AuthorizationEndpoint.URL = "http://a.example" }), "AuthorizationEndpoint.URL"},
		"a colon in raw":      {func(r *authtrip.Registration) { r.ClientAuth, r.ClientID = authtrip.ClientSecretBasicRaw, "a:b" }, "holds a colon"},
		"no client, by proof": {func(r *authtrip.Registration) { r.Authenticate, r.ClientID = noProof, "" }, "ClientID is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			r := registration()
			c.change(&r)
			_, err := authtrip.NewSource(r)
			wantAll(t, err, `registration "test"`, c.says)
		})
	}
}

func headerNames(id, secret string) func(*authtrip.Registration) {
	return func(r *authtrip.Registration) {
		r.ClientAuth, r.ClientIDHeader, r.ClientSecretHeader = authtrip.ClientSecretHeaders, id, secret
	}
}

func asCode(f func(*authtrip.Registration)) func(*authtrip.Registration) {
	return func(r *authtrip.Registration) { r.Grant = authtrip.AuthorizationCode; f(r) }
}

func noProof(context.Context, string, authtrip.Secret, http.Header, url.Values) error { return nil }

func noToken(context.Context, string) (authtrip.Secret, error) { return authtrip.Secret{}, nil }
