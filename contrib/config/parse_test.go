package config_test

import (
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/contrib/config"
	"github.com/authtrip/authtrip/nhn"
	"github.com/authtrip/authtrip/prism"
)

// parse returns what a file describes, or fails the test.
func parse(t *testing.T, file string, environ ...string) []authtrip.Registration {
	t.Helper()
	all, err := config.Parse("app.yml", []byte(file), environ)
	if err != nil {
		t.Fatal(err)
	}
	mgr, err := authtrip.NewManager(all)
	if err != nil {
		t.Fatalf("NewManager refuses what Parse accepted: %v", err)
	}
	_ = mgr.Close()
	return all
}

// one is the body of a registration, with what every one needs.
func one(lines ...string) string {
	return "registration:\n  a:\n    client_id: id\n    client_secret: s3cr3t\n    token_uri: https://auth.example/token\n    " +
		strings.Join(lines, "\n    ") + "\n"
}

func TestASpringApplicationIsReadAsItIs(t *testing.T) {
	file, err := os.ReadFile("testdata/application.yml")
	if err != nil {
		t.Fatal(err)
	}
	got := parse(t, string(file), "BANK_SECRET=b4nk", "ID_SECRET=1d")
	want := []authtrip.Registration{{
		ID: "payments", ClientID: "shop", ClientSecret: authtrip.NewSecret("b4nk"),
		ClientAuth: authtrip.ClientSecretPost, Grant: authtrip.ClientCredentials, Scopes: []string{"pay", "refund"},
		TokenEndpoint: authtrip.Endpoint{URL: "https://auth.bank.example/oauth2/token"},
	}, {
		ID: "drive", ClientID: "shop-web", ClientSecret: authtrip.NewSecret("1d"),
		Grant: authtrip.AuthorizationCode, Scopes: []string{"openid", "files.read"},
		AuthorizationEndpoint: authtrip.Endpoint{URL: "https://id.example.com/authorize"},
		RedirectURI:           "https://shop.example.com/login/oauth2/code/drive",
		TokenEndpoint:         authtrip.Endpoint{URL: "https://id.example.com/token"},
	}, {
		ID: "reports", ClientID: "shop-reports", ClientSecret: authtrip.NewSecret("pa1dss"),
		Grant:         authtrip.ClientCredentials,
		TokenEndpoint: authtrip.Endpoint{URL: "https://id.example.com/token"},
	}}
	for i := range want {
		if i >= len(got) || !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("got %+v\nwant %+v", got, want[i])
		}
	}
}

func TestEveryKeySetsItsField(t *testing.T) {
	for line, want := range map[string]func(*authtrip.Registration){
		"client_name: Shop":                                     func(*authtrip.Registration) {},
		"user_info_uri: https://x/":                             func(*authtrip.Registration) {},
		"user_info_authentication_method: x":                    func(*authtrip.Registration) {},
		"user_name_attribute: sub":                              func(*authtrip.Registration) {},
		"jwk_set_uri: https://x/":                               func(*authtrip.Registration) {},
		"issuer_uri: https://x/":                                func(*authtrip.Registration) {},
		"scope: a b,c":                                          func(r *authtrip.Registration) { r.Scopes = []string{"a", "b", "c"} },
		"scope: [a, b]":                                         func(r *authtrip.Registration) { r.Scopes = []string{"a", "b"} },
		"client_authentication_method: CLIENT-SECRET-BASIC":     func(r *authtrip.Registration) { r.ClientAuth = authtrip.ClientSecretBasic },
		"client_authentication_method: client_secret_basic_raw": func(r *authtrip.Registration) { r.ClientAuth = authtrip.ClientSecretBasicRaw },
		"{client_authentication_method: client_secret_headers, client_id_header: X-Id, client_secret_header: X-S}": func(r *authtrip.Registration) {
			r.ClientAuth, r.ClientIDHeader, r.ClientSecretHeader = authtrip.ClientSecretHeaders, "X-Id", "X-S"
		},
		"authorization_grant_type: client-credentials": func(r *authtrip.Registration) { r.Grant = authtrip.ClientCredentials },
		"token_method: get":                            func(r *authtrip.Registration) { r.TokenEndpoint.Method = "GET" },
		"revocation_uri: https://auth.example/revoke":  func(r *authtrip.Registration) { r.RevocationEndpoint.URL = "https://auth.example/revoke" },
		"revocation_method: POST":                      func(r *authtrip.Registration) { r.RevocationEndpoint.Method = "POST" },
		"expires_in_remains: true":                     func(r *authtrip.Registration) { r.ExpiresInRemains = true },
		"raw_token: yes":                               func(r *authtrip.Registration) { r.RawToken = true },
		"raw_token: off":                               func(*authtrip.Registration) {},
		"headers: X-Token":                             func(r *authtrip.Registration) { r.Headers = []string{"X-Token"} },
		"origins: [api.example, 'api.example:8443']":   func(r *authtrip.Registration) { r.Origins = []string{"api.example", "api.example:8443"} },
		"more_origins: api.example":                    func(r *authtrip.Registration) { r.Origins = []string{"api.example"} },
		"allow_http: intern.example":                   func(r *authtrip.Registration) { r.AllowHTTP = []string{"intern.example"} },
		"reject_status: [419, 498]":                    func(r *authtrip.Registration) { r.RejectStatus = []int{419, 498} },
		"params: {audience: 'https://api.example', n: [1, ''], e: ''}": func(r *authtrip.Registration) {
			r.Params = url.Values{"audience": {"https://api.example"}, "n": {"1", ""}, "e": {""}}
		},
		"envelopes: {api.example: {success: ok, code: r.c, rejected: [401, E*]}}": func(r *authtrip.Registration) {
			r.Envelopes = map[string]authtrip.Envelope{"api.example": {Success: "ok", Code: "r.c", Rejected: []string{"401", "E*"}}}
		},
		"host_headers: {api.example: {x-app-key: 0123, X-Other: k3y}, 'https://b.example': {X-App-Key: b}}": func(r *authtrip.Registration) {
			r.HostHeaders = hostHeaders{"api.example": headers("X-App-Key", "0123", "X-Other", "k3y"), "https://b.example": headers("X-App-Key", "b")}
		},
		"{authorization_grant_type: authorization_code, authorization_uri: 'https://auth.example/a', redirect_uri: 'app:/cb', callback_issuer: iss, no_pkce: true, send_state: on}": func(r *authtrip.Registration) {
			r.Grant, r.AuthorizationEndpoint.URL = authtrip.AuthorizationCode, "https://auth.example/a"
			r.RedirectURI, r.Issuer, r.NoPKCE, r.SendState = "app:/cb", "iss", true, true
		},
	} {
		want := func() authtrip.Registration {
			r := authtrip.Registration{
				ID: "a", ClientID: "id", ClientSecret: authtrip.NewSecret("s3cr3t"),
				TokenEndpoint: authtrip.Endpoint{URL: "https://auth.example/token"},
			}
			want(&r)
			return r
		}()
		// The line stands in the registration, and in its provider if it may.
		if inner, ok := strings.CutPrefix(line, "{"); ok {
			line = "<<: {" + inner
		}
		if got := parse(t, one(line))[0]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v\nwant %+v", line, got, want)
		}
		if strings.HasPrefix(line, "client_name") {
			continue
		}
		if got := parse(t, one("provider: p")+"provider:\n  p:\n    "+line)[0]; !reflect.DeepEqual(got, want) {
			t.Errorf("in a provider, %s: got %+v\nwant %+v", line, got, want)
		}
	}
}

func TestTheMapsStandInThreePlaces(t *testing.T) {
	const body = "registration: {a-b: {provider: p, client_id: id, client_secret: s, scope: [x]}}\nprovider: {P: {token_uri: 'https://auth.example/t'}}"
	want := parse(t, body)
	indent := func(s string) string { return "  " + strings.ReplaceAll(s, "\n", "\n  ") }
	for name, file := range map[string]string{
		"authtrip":       "logging: {x: 1}\nauthtrip:\n" + indent(body),
		"spring, nested": "spring:\n  security:\n    oauth2:\n      client:\n" + indent(indent(indent(indent(body)))),
		"spring, dotted": "spring.security.oauth2.client:\n" + indent(body),
		"half dotted":    "spring.security:\n  oauth2.client:\n" + indent(indent(body)),
		"all dotted": "authtrip.registration.a-b.provider: p\nauthtrip.registration.a-b.client-id: id\nauthtrip.registration.a-b.client-secret: s\n" +
			"authtrip.registration.a-b.scope: x\nauthtrip.provider.p.token-uri: https://auth.example/t",
		"two places":     "authtrip: {provider: {p: {token_uri: 'https://auth.example/t'}}}\nregistration: {a-b: {provider: p, client_id: id, client_secret: s, scope: x}}",
		"JSON":           `{"registration":{"a-b":{"provider":"p","clientId":"id","clientSecret":"s","scope":["x"]}},"provider":{"p":{"tokenUri":"https://auth.example/t"}}}`,
		"a BOM and CRLF": "\ufeff" + strings.ReplaceAll(body, "\n", "\r\n"),
		"a merge key": "registration:\n  a-b:\n    <<: [{client_id: id, scope: x}, {client_id: not this, client_secret: s}]\n    provider: p\n" +
			"provider: {p: {token_uri: 'https://auth.example/t'}}",
		"an alias":                   "provider: {p: &p {token_uri: &t 'https://auth.example/t'}}\nregistration: {a-b: {token_uri: *t, client_id: id, client_secret: s, scope: x}}",
		"the provider of its own ID": "registration: {a-b: {client_id: id, client_secret: s, scope: x}}\nprovider: {A_B: {token_uri: 'https://auth.example/t'}}",
		"a provider nobody uses":     body + "\nauthtrip: {provider: {unused: {token_uri: 'http://${NOT_LOOKED_AT}'}}}",
	} {
		if got := parse(t, file); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v\nwant %+v", name, got, want)
		}
	}
}

func TestAPresetsValuesCanBeOverridden(t *testing.T) {
	creds := nhn.Credentials{UserAccessKeyID: "id", SecretAccessKey: authtrip.NewSecret("s3cr3t")}
	service := prism.Client{ServiceAPIDomain: "service.example", ServiceID: "shop", ClientID: "id", ClientSecret: authtrip.NewSecret("s3cr3t")}
	const body = "registration:\n  a:\n    client_id: id\n    client_secret: s3cr3t\n    "
	for name, c := range map[string]struct {
		file   string
		base   authtrip.Registration
		change func(*authtrip.Registration)
	}{
		"nhn":     {body + "provider: nhn", nhn.Registration(creds), nil},
		"nhn-gov": {body + "provider: NHN_GOV", nhn.Registration(creds, nhn.Government()), nil},
		"nhn, one header, one more host, another server": {
			body + "provider: nhn\n    headers: x-nhn-authorization\n    more_origins: mine.example\n    token_uri: https://auth.example/t",
			nhn.Registration(creds, nhn.Headers(nhn.HeaderAuthorization), nhn.Origins("mine.example")),
			func(r *authtrip.Registration) { r.TokenEndpoint.URL = "https://auth.example/t" },
		},
		"nhn, other hosts": {
			body + "provider: nhn\n    origins: mine.example", nhn.Registration(creds),
			func(r *authtrip.Registration) { r.Origins = []string{"mine.example"} },
		},
		"nhn, more codes": {
			body + "provider: nhn\n    envelopes:\n      core.api.nhncloudservice.com: {rejected: ['1']}\n      mine.example: {code: c, rejected: ['2']}",
			nhn.Registration(creds),
			func(r *authtrip.Registration) {
				e := r.Envelopes["core.api.nhncloudservice.com"]
				e.Rejected = []string{"1"}
				r.Envelopes["core.api.nhncloudservice.com"] = e
				r.Envelopes["mine.example"] = authtrip.Envelope{Code: "c", Rejected: []string{"2"}}
			},
		},
		"nhn, application keys": {
			body + "provider: nhn\n    app_keys: {rds-mysql: 0123, RDS_MariaDB: m, rds-postgres: p, notification-hub: h}",
			nhn.Registration(creds, appKey("rds-mysql", "0123"), appKey("rds-mariadb", "m"), appKey("rds-postgres", "p"), appKey("notification-hub", "h")), nil,
		},
		"nhn-gov, application keys, the provider's and its own": {
			body + "provider: nhn-gov\n    app_keys: {rds-mysql: own}\nprovider: {nhn-gov: {app_keys: {rds-mysql: p, rds-mariadb: m}}}",
			nhn.Registration(creds, nhn.Government(), appKey("rds-mysql", "own"), appKey("rds-mariadb", "m")), nil,
		},
		"nhn, a host's own header over the application key": {
			body + "provider: nhn\n    app_keys: {rds-mysql: all}\n    host_headers: {kr1-rds-mysql.api.nhncloudservice.com: {x-tc-app-key: one}}",
			nhn.Registration(creds, appKey("rds-mysql", "all"), nhn.HostHeader("kr1-rds-mysql.api.nhncloudservice.com", nhn.HeaderRDSAppKey, authtrip.NewSecret("one"))), nil,
		},
		"the provider map over the preset, the registration over both": {
			body + "provider: nhn\n    revocation_uri: https://r.example/own\nprovider:\n  nhn:\n    token_uri: https://t.example/\n    revocation_uri: https://r.example/",
			nhn.Registration(creds),
			func(r *authtrip.Registration) {
				r.TokenEndpoint.URL, r.RevocationEndpoint.URL = "https://t.example/", "https://r.example/own"
			},
		},
		"prism": {
			body + "provider: prism\n    service_api_domain: service.example\n    service_id: shop", prism.Registration(service), nil,
		},
		"prism, told by a provider, with a page, a redirect and state": {
			body + "provider: prism\n    authorization_uri: https://page.example/\n    redirect_uri: https://back.example/\n    send_state: true\nprovider: {prism: {service_api_domain: service.example}}",
			prism.Registration(service, prism.AuthorizeURL("https://page.example/"), prism.RedirectURI("https://back.example/"), prism.SendState()), nil,
		},
		"prism with Basic": {
			body + "provider: prism\n    service_api_domain: service.example\n    service_id: shop\n    client_authentication_method: client_secret_basic", prism.Registration(service),
			func(r *authtrip.Registration) {
				r.ClientAuth, r.ClientIDHeader, r.ClientSecretHeader = authtrip.ClientSecretBasic, "", ""
			},
		},
	} {
		want := c.base
		want.ID = "a"
		if c.change != nil {
			c.change(&want)
		}
		if got := parse(t, c.file)[0]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v\nwant %+v", name, got, want)
		}
	}
}

func TestMapsAreMergedAndListsReplaced(t *testing.T) {
	got := parse(t, one("provider: p", "params: {b: 2, c: 3}", "scope: y")+
		"provider: {p: {params: {a: 1, b: 1}, scope: x, allow_http: intern.example}}")[0]
	if want := (url.Values{"a": {"1"}, "b": {"2"}, "c": {"3"}}); !reflect.DeepEqual(got.Params, want) {
		t.Errorf("params %v, want %v", got.Params, want)
	}
	if !slices.Equal(got.Scopes, []string{"y"}) || !slices.Equal(got.AllowHTTP, []string{"intern.example"}) {
		t.Errorf("scope %v, allow_http %v", got.Scopes, got.AllowHTTP)
	}
}

func TestRefreshTokenBelongsToTheOneUser(t *testing.T) {
	r := parse(t, one("authorization_grant_type: refresh_token", "refresh_token: r3fr3sh"))[0]
	for principal, want := range map[string]string{"": "r3fr3sh", "user-42": ""} {
		if got, err := r.RefreshToken(t.Context(), principal); err != nil || got.Reveal() != want {
			t.Errorf("for %q: %q, %v", principal, got.Reveal(), err)
		}
	}
}

func TestTextsAreTakenAsWritten(t *testing.T) {
	for written, want := range map[string]string{
		"0123": "0123", "1e3": "1e3", "true": "true", "'null'": "null", "2024-01-01": "2024-01-01", `"a b"`: "a b",
		"'${A}'": "1", "x${A}y${A}z": "x1y1z", "${NOT:b}": "b", "${NOT:}x": "x", "${NOT:${A}}": "1", "${NOT:${NOR:{c}}}": "{c}",
		"${A:default}": "1", "${EMPTY:default}x": "x", `a\${A}`: "a${A}", `"\\${A}"`: "${A}", "$A": "$A", "a$": "a$", "${B}": "${A}",
		"${NOT:http://h:1}": "http://h:1", "|\n      spaced \n": "spaced ",
	} {
		file := strings.ReplaceAll(one(), "s3cr3t", written)
		if got := parse(t, file, "A=1", "B=${A}", "EMPTY=")[0].ClientSecret.Reveal(); got != want {
			t.Errorf("%s is read as %q, want %q", written, got, want)
		}
	}
}
