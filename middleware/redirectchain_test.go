package middleware_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/middleware"
	"github.com/authtrip/authtrip/nhn"
	"github.com/go-resty/resty/v2"
)

// ways are how a client gets its tokens.
var ways = map[string]func(*testing.T, *resty.Client, authtrip.Authorizer){
	"Install": func(t *testing.T, c *resty.Client, src authtrip.Authorizer) { must(t, middleware.Install(c, src)) },
	"a hook": func(_ *testing.T, c *resty.Client, src authtrip.Authorizer) {
		c.OnBeforeRequest(middleware.BeforeRequest(src))
	},
}

func TestI13_NoTokenLeavesItsOriginByAChainOfRedirects(t *testing.T) {
	const (
		api, other, evil = "https://api.example.com", "https://other.example.com:8443", "https://evil.example.com"
		full             = " token key"
	)
	h := newHops(t)
	for name, c := range map[string]struct {
		listed []string
		chain  []string
		want   []string
	}{
		"at home":                {nil, []string{api, "/x", "HTTPS://API.example.COM/", api + ":443/"}, []string{api + full, api + full, "https://API.example.COM" + full, api + ":443" + full}},
		"another host":           {nil, []string{api, evil, "/x", api}, []string{api + full, evil + " -", evil + " -", api + " -"}},
		"another port":           {nil, []string{api, api + ":8443/", api}, []string{api + full, api + ":8443 -", api + " -"}},
		"to http":                {nil, []string{api, "http://api.example.com/", api}, []string{api + full, "http://api.example.com -", api + " -"}},
		"from http":              {nil, []string{"http://api.example.com/", api}, []string{"http://api.example.com token", api + " -"}},
		"the domain above":       {nil, []string{api, "https://example.com/", api}, []string{api + full, "https://example.com -", api + " -"}},
		"a subdomain":            {nil, []string{"https://example.com/", api}, []string{"https://example.com token", api + " -"}},
		"a trailing dot":         {nil, []string{api, "https://api.example.com./"}, []string{api + full, "https://api.example.com. -"}},
		"userinfo":               {nil, []string{api, "https://api.example.com@evil.example.com/"}, []string{api + full, evil + " -"}},
		"no scheme":              {nil, []string{api, "//evil.example.com/", "//api.example.com/"}, []string{api + full, evil + " -", api + " -"}},
		"backslashes":            {nil, []string{api, "/\\evil.example.com/"}, []string{api + full, api + full}},
		"localhost's address":    {nil, []string{"http://localhost:8080/", "http://127.0.0.1:8080/", "http://[::1]:8080/", "http://localhost:8080/"}, []string{"http://localhost:8080 token", "http://127.0.0.1:8080 -", "http://[::1]:8080 -", "http://localhost:8080 -"}},
		"listed":                 {[]string{api, other}, []string{api, other, api}, []string{api + full, other + " token", api + full}},
		"listed, its other port": {[]string{api, other}, []string{other, "https://other.example.com/", other}, []string{other + " token", "https://other.example.com -", other + " -"}},
		"listed, through evil":   {[]string{api, other}, []string{api, evil, other, api}, []string{api + full, evil + " -", other + " -", api + " -"}},
		"listed, from evil":      {[]string{api, other}, []string{evil, api, other}, []string{evil + " -", api + full, other + " token"}},
		"listed, to http":        {[]string{api}, []string{api, "http://api.example.com/", api}, []string{api + full, "http://api.example.com -", api + " -"}},
	} {
		for way, add := range ways {
			for _, headers := range [][]string{nil, {nhn.HeaderAuthorization, nhn.HeaderAuthentication}} {
				client := h.client()
				add(t, client, h.source(t, headers, c.listed...))
				for _, status := range []int{301, 302, 303, 307, 308} {
					t.Run(fmt.Sprint(name, ", ", way, " ", status, headers), func(t *testing.T) {
						h.begin(status, c.chain[1:]...)
						if _, err := client.R().SetBody("the caller's own").Post(c.chain[0]); err != nil {
							t.Fatal(err)
						}
						h.want(t, c.want...)
					})
				}
			}
		}
	}
}

// Resty's own ways to carry headers along, and to be told of another host.
func TestI13_NoPolicyOfRestysCarriesTheTokenAlong(t *testing.T) {
	const api, evil = "https://api.example.com", "https://evil.example.com"
	for name, change := range map[string]func(*resty.Client){
		"copies all headers": func(c *resty.Client) {
			c.SetRedirectPolicy(resty.RedirectPolicyFunc(func(r *http.Request, via []*http.Request) error {
				r.Header = via[0].Header.Clone()
				return nil
			}))
		},
		"copies the last response's": func(c *resty.Client) {
			c.SetRedirectPolicy(resty.RedirectPolicyFunc(func(r *http.Request, _ []*http.Request) error {
				for name, values := range r.Response.Request.Header {
					r.Header[name] = values
				}
				return nil
			}))
		},
		"one host only": func(c *resty.Client) {
			c.SetRedirectPolicy(resty.DomainCheckRedirectPolicy("evil.example.com", "api.example.com"))
		},
		"a Host of its own": func(c *resty.Client) { c.SetHeader("Host", "api.example.com") },
		"trace and debug":   func(c *resty.Client) { c.EnableTrace().SetDebug(true).EnableGenerateCurlOnDebug() },
		"its own retry":     func(c *resty.Client) { c.SetRetryCount(2).AddRetryCondition(middleware.RetryRejected) },
	} {
		for way, add := range ways {
			t.Run(name+", "+way, func(t *testing.T) {
				h := newHops(t)
				client := h.client()
				add(t, client, h.source(t, []string{nhn.HeaderAuthorization}))
				change(client)
				h.begin(307, evil, api)
				if _, err := client.R().Get(api); err != nil {
					t.Fatal(err)
				}
				h.want(t, api+" token key", evil+" -", api+" -")
			})
		}
	}
}

// The Host that Resty lets a caller write is no origin.
func TestI13_AHostHeaderInRestyChangesNothing(t *testing.T) {
	const api, evil = "https://api.example.com", "https://evil.example.com"
	for way, add := range ways {
		t.Run(way, func(t *testing.T) {
			h := newHops(t)
			client := h.client()
			add(t, client, h.source(t, nil, api))
			for _, c := range []struct{ url, host, want string }{
				{evil, "api.example.com", api + " -"},
				{api, "evil.example.com", evil + " token key"}, // the connection is to the API all the same
			} {
				h.begin(0)
				if _, err := client.R().SetHeader("Host", c.host).Get(c.url); err != nil {
					t.Fatal(err)
				}
				h.want(t, c.want)
			}
		})
	}
}
