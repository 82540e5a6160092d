package authtrip_test

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/nhn"
)

// chainHosts are all that the chains lead to, as their certificate has them.
var chainHosts = []string{
	"api.example", "*.api.example", "other.example", "evil.example", "api.example.evil.example", "example", "xn--bcher-kva.example",
	"xn--pi-6kc.example", "127.0.0.1", "127.0.0.2", "::1", "2001:db8::1", "localhost",
}

// Every chain is followed by net/http, with every status, by a token in a header
// that it strips between hosts and in ones that it carries anywhere.
func TestI13_NoTokenLeavesItsOriginByAChainOfRedirects(t *testing.T) {
	const (
		api, other, evil = "https://api.example", "https://other.example:8443", "https://evil.example"
		full             = " token key"
	)
	h := newHops(t, false, chainHosts...)
	for name, c := range map[string]struct {
		listed []string
		chain  []string
		want   []string
	}{
		// Where the caller sends it, and no further.
		"a path":                {nil, []string{api, "/x", "x/../../y", "?q"}, []string{api + full, api + full, api + full, api + full}},
		"its port written out":  {nil, []string{api, api + ":443/"}, []string{api + full, api + ":443" + full}},
		"an empty port":         {nil, []string{api, api + ":/"}, []string{api + full, api + ":" + full}},
		"upper case":            {nil, []string{api, "HTTPS://API.EXAMPLE/"}, []string{api + full, "https://API.EXAMPLE" + full}},
		"its own userinfo":      {nil, []string{api, "https://user:pw@api.example/"}, []string{api + full, api + full}},
		"another port":          {nil, []string{api, api + ":8443/", api}, []string{api + full, api + ":8443 -", api + " -"}},
		"a port with a zero":    {nil, []string{api, api + ":0443/", api}, []string{api + full, api + ":0443 -", api + " -"}},
		"the port of http":      {nil, []string{api, api + ":8444/", "http://api.example:81/", api}, []string{api + full, api + ":8444 -", "http://api.example:81 -", api + " -"}},
		"to http":               {nil, []string{api, "http://api.example/", api}, []string{api + full, "http://api.example -", api + " -"}},
		"from http":             {nil, []string{"http://api.example/", api, "http://api.example/"}, []string{"http://api.example token", api + " -", "http://api.example -"}},
		"a subdomain":           {nil, []string{api, "https://sub.api.example/", api}, []string{api + full, "https://sub.api.example -", api + " -"}},
		"the domain above":      {nil, []string{"https://sub.api.example/", api}, []string{"https://sub.api.example token", api + " -"}},
		"a longer name":         {nil, []string{api, "https://api.example.evil.example/"}, []string{api + full, "https://api.example.evil.example -"}},
		"a trailing dot":        {nil, []string{api, "https://api.example./", api}, []string{api + full, "https://api.example. -", api + " -"}},
		"another's userinfo":    {nil, []string{api, "https://api.example@evil.example/", "https://api.example:443@evil.example/", api}, []string{api + full, evil + " -", evil + " -", api + " -"}},
		"a Cyrillic letter":     {nil, []string{api, "https://аpi.example/", api}, []string{api + full, "https://xn--pi-6kc.example -", api + " -"}},
		"a wide letter":         {nil, []string{api, "https://ａpi.example/", api}, []string{api + full, "https://xn--pi-bz3n.example -", api + " -"}},
		"a wide dot":            {nil, []string{api, "https://api。example/", api}, []string{api + full, "https://xn--apiexample-ph3i -", api + " -"}},
		"IDN in capitals":       {nil, []string{"https://xn--bcher-kva.example/", "https://XN--BCHER-KVA.example/"}, []string{"https://xn--bcher-kva.example token", "https://XN--BCHER-KVA.example token"}},
		"IDN as it is read":     {nil, []string{"https://xn--bcher-kva.example/", "https://bücher.example/", "https://xn--bcher-kva.example/"}, []string{"https://xn--bcher-kva.example token", "https://xn--bcher-kva.example -", "https://xn--bcher-kva.example -"}},
		"localhost's address":   {nil, []string{"http://localhost:8080/", "http://127.0.0.1:8080/", "http://[::1]:8080/", "http://localhost:8080/"}, []string{"http://localhost:8080 token", "http://127.0.0.1:8080 -", "http://[::1]:8080 -", "http://localhost:8080 -"}},
		"an address's name":     {nil, []string{"http://127.0.0.1:8080/", "http://LOCALHOST:8080/"}, []string{"http://127.0.0.1:8080 token", "http://LOCALHOST:8080 -"}},
		"another of loopback":   {nil, []string{"http://127.0.0.1:8080/", "http://127.0.0.2:8080/"}, []string{"http://127.0.0.1:8080 token", "http://127.0.0.2:8080 -"}},
		"another's port there":  {nil, []string{"http://[::1]:8080/", "http://[::1]:8081/"}, []string{"http://[::1]:8080 token", "http://[::1]:8081 -"}},
		"an address, mapped":    {nil, []string{"https://127.0.0.1/", "https://[::ffff:127.0.0.1]/"}, []string{"https://127.0.0.1 token", "https://[::ffff:127.0.0.1] -"}},
		"an address, spelled":   {nil, []string{"https://[::1]/", "https://[0:0:0:0:0:0:0:1]/"}, []string{"https://[::1] token", "https://[0:0:0:0:0:0:0:1] -"}},
		"an address's capitals": {nil, []string{"https://[2001:db8::1]/", "https://[2001:DB8::1]/"}, []string{"https://[2001:db8::1] token", "https://[2001:DB8::1] token"}},
		"all the way and back":  {nil, []string{api, "/x", evil, api, other, api}, []string{api + full, api + full, evil + " -", api + " -", other + " -", api + " -"}},

		// Among those that are listed.
		"listed, there and back":  {[]string{api, other}, []string{api, other, "/x", api}, []string{api + full, other + " token", other + " token", api + full}},
		"listed, its other port":  {[]string{api, other}, []string{other, "https://other.example/", other, api}, []string{other + " token", "https://other.example -", other + " -", api + " -"}},
		"listed, not with http":   {[]string{api}, []string{api, "http://api.example/", api}, []string{api + full, "http://api.example -", api + " -"}},
		"listed with http":        {[]string{api, "http://api.example"}, []string{api, "http://api.example/", api}, []string{api + full, "http://api.example token", api + full}},
		"listed, through another": {[]string{api, other}, []string{api, evil, "/x", other, api}, []string{api + full, evil + " -", evil + " -", other + " -", api + " -"}},
		"listed, from another":    {[]string{api, other}, []string{evil, api, other}, []string{evil + " -", api + full, other + " token"}},
		"listed, from two others": {[]string{api, other}, []string{evil, "https://sub.api.example/", api}, []string{evil + " -", "https://sub.api.example -", api + " -"}},
		"listed, within another":  {[]string{api, other}, []string{evil, "/x", evil + "/y", other}, []string{evil + " -", evil + " -", evil + " -", other + " token"}},
		"listed, by userinfo":     {[]string{api, other}, []string{api, "https://other.example:8443@evil.example/", other}, []string{api + full, evil + " -", other + " -"}},
		"listed, subdomain":       {[]string{api}, []string{api, "https://sub.api.example/", "https://api.example./", api}, []string{api + full, "https://sub.api.example -", "https://api.example. -", api + " -"}},
		"listed, another address": {[]string{"http://127.0.0.1:8080"}, []string{"http://127.0.0.1:8080/", "http://localhost:8080/", "http://127.0.0.1:8080/"}, []string{"http://127.0.0.1:8080 token", "http://localhost:8080 -", "http://127.0.0.1:8080 -"}},
		"listed, IDN":             {[]string{"xn--bcher-kva.example"}, []string{"https://xn--bcher-kva.example/", "https://bücher.example/"}, []string{"https://xn--bcher-kva.example token", "https://xn--bcher-kva.example -"}},
	} {
		for _, headers := range [][]string{nil, {nhn.HeaderAuthorization, nhn.HeaderAuthentication}} {
			for _, status := range []int{301, 302, 303, 307, 308} {
				t.Run(fmt.Sprint(name, " ", status, headers), func(t *testing.T) {
					r := hopping(headers, c.listed...)
					r.AllowHTTP = []string{"api.example", "api.example:81", "sub.api.example"}
					client, _ := h.client(t, r)
					h.begin(status, c.chain[1:]...)
					res, err := client.Post(c.chain[0], "text/plain", strings.NewReader("the caller's own"))
					if err != nil {
						t.Fatal(err)
					}
					_ = res.Body.Close()
					h.want(t, c.want...)
				})
			}
		}
	}
}

// What net/http tells of a request in the next, and what its jar keeps, holds
// nothing of ours either; and another's 401 costs no token and no second try.
func TestI13_ARefererACookieAndA401ElsewhereTellNothing(t *testing.T) {
	const api, evil = "https://api.example", "https://evil.example"
	h := newHops(t, false, chainHosts...)
	client, asked := h.client(t, hopping([]string{nhn.HeaderAuthorization}))
	client.Jar, _ = cookiejar.New(nil)
	var referers []string
	h.answering(func(step int, rw http.ResponseWriter, r *http.Request) {
		referers = append(referers, r.Referer())
		http.SetCookie(rw, &http.Cookie{Name: "session", Value: fmt.Sprint(step)})
		if step == 0 {
			http.Redirect(rw, r, evil+"/x", http.StatusTemporaryRedirect)
			return
		}
		rw.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		rw.WriteHeader(http.StatusUnauthorized)
	})
	res, err := client.Post("https://user:pw@api.example/start", "text/plain", strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	h.want(t, api+" token key", evil+" -")
	if res.StatusCode != http.StatusUnauthorized || authtrip.Rejected(res) || asked.calls != 1 {
		t.Errorf("status %d, rejected %v, %d token calls; want evil's own 401, and one call", res.StatusCode, authtrip.Rejected(res), asked.calls)
	}
	if got := strings.Join(referers, ","); got != ","+api+"/start" {
		t.Errorf("referers %q", got)
	}
	for _, at := range []string{api, evil} {
		u, _ := url.Parse(at)
		if got := carries(fmt.Sprint(client.Jar.Cookies(u))); got != "-" || len(client.Jar.Cookies(u)) != 1 {
			t.Errorf("the jar has %s for %s", got, at)
		}
	}
}

// A rejection in the midst of a chain is answered where the token is at home,
// and the chain goes on as if nothing had been.
func TestI13_AReplayInAChainForgetsNothingOfTheChain(t *testing.T) {
	const api, evil = "https://api.example", "https://evil.example"
	h := newHops(t, false, chainHosts...)
	client, asked := h.client(t, hopping([]string{nhn.HeaderAuthorization}))
	asked.bodies = append([]string{`{"access_token":"old","expires_in":3600}`}, asked.bodies...)
	h.answering(func(step int, rw http.ResponseWriter, r *http.Request) {
		if step == 0 {
			rw.WriteHeader(http.StatusUnauthorized)
			return
		}
		if step < 4 {
			http.Redirect(rw, r, []string{"", evil, api, evil}[step], http.StatusPermanentRedirect)
		}
	})
	res, err := client.Post(api, "text/plain", strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	h.want(t, api+" key", api+" token key", evil+" -", api+" -", evil+" -")
}

// A request that the caller makes anew begins a chain of its own: where to is
// the caller's choice then.
func TestI13_ACallerWhoFollowsRedirectsItselfChoosesAnew(t *testing.T) {
	const api, evil = "https://api.example", "https://evil.example"
	for _, listed := range [][]string{nil, {api}} {
		h := newHops(t, false, chainHosts...)
		client, _ := h.client(t, hopping(nil, listed...))
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		h.begin(302, evil)
		res, err := client.Get(api)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		again, err := client.Get(res.Header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		_ = again.Body.Close()
		h.want(t, api+" token key", map[bool]string{true: evil + " token", false: evil + " -"}[listed == nil])
	}
}
