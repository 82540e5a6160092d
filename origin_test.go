package authtrip_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/nhn"
)

// tokenAt is a Transport whose base tells where a token was sent.
func tokenAt(t *testing.T, change func(*authtrip.Registration)) (rt *authtrip.Transport, carried func() bool) {
	t.Helper()
	r := registration()
	if change != nil {
		change(&r)
	}
	src := newSource(t, r, authtrip.WithTokenTransport(&replies{bodies: []string{`{"access_token":"a"}`}}))
	var last bool
	return &authtrip.Transport{Source: src, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
		last = r.Header.Get("Authorization") != ""
		return newStub().RoundTrip(r)
	})}, func() bool { return last }
}

func TestI13_ATokenGoesToListedOriginsOnly(t *testing.T) {
	rt, carried := tokenAt(t, func(r *authtrip.Registration) {
		r.Origins = []string{"api.example", "https://other.example:8443", "http://localhost:8080", "http://plain.example", "[2001:db8::1]"}
		r.AllowHTTP = []string{"plain.example"}
	})
	for target, want := range map[string]string{
		"https://api.example/":               "token",
		"https://api.example:443/":           "token",
		"https://API.Example/":               "token",
		"https://user:pw@api.example/":       "token",
		"https://other.example:8443/":        "token",
		"http://localhost:8080/":             "token",
		"http://plain.example/":              "token",
		"https://[2001:db8::1]/":             "token",
		"https://api.example:8443/":          "pass",
		"https://other.example/":             "pass",
		"https://sub.api.example/":           "pass",
		"https://api.example.evil.example/":  "pass",
		"https://api.example./":              "pass",
		"https://evil.example/api.example":   "pass",
		"https://api.example@evil.example/":  "pass",
		"https://evil.example#@api.example/": "pass",
		"https://apı.example/":               "pass", // a dotless i
		"http://localhost:8081/":             "pass",
		"http://evil.example/":               "pass",
		"http://api.example/":                "refused",
		"http://api.example:443/":            "refused",
		"http://other.example:8443/":         "refused",
		"http://plain.example:81/":           "refused",
	} {
		_, err := rt.RoundTrip(mustRequest(t, http.MethodGet, target, nil))
		got := map[bool]string{true: "token", false: "pass"}[carried()]
		if errors.Is(err, authtrip.ErrInsecure) {
			got = "refused"
		} else if err != nil {
			t.Errorf("%s: %v", target, err)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
}

func TestI13_WithNoneListedItGoesWhereTheCallerAsks(t *testing.T) {
	rt, carried := tokenAt(t, func(r *authtrip.Registration) { r.AllowHTTP = []string{"plain.example:81"} })
	for target, secure := range map[string]bool{
		"https://anything.example/":   true,
		"http://127.0.0.1:8080/":      true,
		"http://127.9.9.9/":           true,
		"http://[::1]/":               true,
		"http://LOCALHOST/":           true,
		"http://plain.example:81/":    true,
		"http://plain.example/":       false,
		"http://localhost.example/":   false,
		"http://127.0.0.1.example/":   false,
		"http://2130706433/":          false,
		"http://localhost@evil.test/": false,
	} {
		_, err := rt.RoundTrip(mustRequest(t, http.MethodGet, target, nil))
		if secure && (err != nil || !carried()) || !secure && !errors.Is(err, authtrip.ErrInsecure) {
			t.Errorf("%s: token %v, error %v; want it sent: %v", target, carried(), err, secure)
		}
	}
}

// hosts are real servers that answer as several host names; every request goes
// to one of them by its Host.
type hosts struct {
	srv  *httptest.Server
	base *http.Transport

	mu   sync.Mutex
	seen []string // guarded by mu: "host token" or "host -"
}

// newHosts serves redirects: /?to=URL&to=URL… goes to the first with the rest.
func newHosts(t *testing.T) *hosts {
	h := &hosts{}
	h.srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mark := "-"
		if r.Header.Get("X-Nhn-Authorization") != "" {
			mark = "token"
		}
		h.mu.Lock()
		h.seen = append(h.seen, r.Host+" "+mark)
		h.mu.Unlock()
		to := r.URL.Query()["to"]
		if len(to) == 0 {
			return
		}
		next, _ := url.Parse(to[0])
		next.RawQuery = url.Values{"to": to[1:], "code": r.URL.Query()["code"]}.Encode()
		var code int
		_, _ = fmt.Sscan(r.URL.Query().Get("code"), &code)
		http.Redirect(w, r, next.String(), code)
	}))
	t.Cleanup(h.srv.Close)
	address := h.srv.Listener.Addr().String()
	h.base = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", address)
	}}
	t.Cleanup(h.base.CloseIdleConnections)
	return h
}

func TestI13_ARedirectElsewhereNeverGetsTheToken(t *testing.T) {
	// All hosts are loopback names or allowed, so that plain http is no reason.
	const a, b, c = "http://a.example", "http://b.example", "http://c.example"
	for name, x := range map[string]struct {
		listed []string
		chain  []string
		want   []string
	}{
		"same origin":            {nil, []string{a, a}, []string{"a.example token", "a.example token"}},
		"to another":             {nil, []string{a, b}, []string{"a.example token", "b.example -"}},
		"and back":               {nil, []string{a, b, a}, []string{"a.example token", "b.example -", "a.example -"}},
		"another port":           {nil, []string{a, a + ":81"}, []string{"a.example token", "a.example:81 -"}},
		"subdomain":              {nil, []string{a, "http://sub.a.example"}, []string{"a.example token", "sub.a.example -"}},
		"case variant":           {nil, []string{a, "http://A.EXAMPLE"}, []string{"a.example token", "A.EXAMPLE token"}},
		"userinfo":               {nil, []string{a, "http://a.example@b.example"}, []string{"a.example token", "b.example -"}},
		"listed to listed":       {[]string{a, b}, []string{a, b, a}, []string{"a.example token", "b.example token", "a.example token"}},
		"listed to unlisted":     {[]string{a, b}, []string{a, c, b}, []string{"a.example token", "c.example -", "b.example -"}},
		"unlisted to listed":     {[]string{b}, []string{a, b}, []string{"a.example -", "b.example token"}},
		"via unlisted to listed": {[]string{b}, []string{a, c, b}, []string{"a.example -", "c.example -", "b.example -"}},
	} {
		for _, code := range []int{301, 302, 303, 307, 308} {
			t.Run(fmt.Sprint(name, " ", code), func(t *testing.T) {
				h := newHosts(t)
				r := registration()
				r.Headers = []string{nhn.HeaderAuthorization} // net/http itself would carry this one anywhere
				r.Origins = x.listed
				r.AllowHTTP = []string{"a.example", "a.example:81", "sub.a.example", "b.example", "c.example"}
				src := newSource(t, r, authtrip.WithTokenTransport(&replies{bodies: []string{`{"access_token":"a"}`}}))
				client := &http.Client{Transport: &authtrip.Transport{Source: src, Base: h.base}}
				q := url.Values{"to": x.chain[1:], "code": {fmt.Sprint(code)}}
				res, err := client.Get(x.chain[0] + "/?" + q.Encode())
				if err != nil {
					t.Fatal(err)
				}
				_ = res.Body.Close()
				if got := strings.Join(h.seen, ", "); got != strings.Join(x.want, ", ") {
					t.Fatalf("seen: %s\nwant: %s", got, strings.Join(x.want, ", "))
				}
			})
		}
	}
}

func TestI13_ARedirectToPlainHTTPPassesWithoutTheToken(t *testing.T) {
	var sent []string
	src := newSource(t, registration(), authtrip.WithTokenTransport(&replies{bodies: []string{`{"access_token":"a"}`}}))
	client := &http.Client{Transport: &authtrip.Transport{Source: src, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
		sent = append(sent, r.URL.Scheme+" "+r.Header.Get("Authorization"))
		res := &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody, Request: r}
		if r.URL.Scheme == "https" {
			res.StatusCode, res.Header = 302, http.Header{"Location": {"http://api.example/"}}
		}
		return res, nil
	})}}
	res, err := client.Get("https://api.example/")
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if len(sent) != 2 || sent[0] != "https Bearer a" || sent[1] != "http " {
		t.Fatalf("sent %q", sent)
	}
}

func TestI13_ABaseThatSetsNoRequestLosesNoTokenOnItsOwnOrigin(t *testing.T) {
	sent := 0
	src := newSource(t, registration(), authtrip.WithTokenTransport(&replies{bodies: []string{`{"access_token":"a"}`}}))
	client := &http.Client{Transport: &authtrip.Transport{Source: src, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
		if r.Header.Get("Authorization") != "Bearer a" {
			t.Errorf("%s without a token", r.URL)
		}
		if sent++; sent < 3 {
			return &http.Response{StatusCode: 302, Header: http.Header{"Location": {"/next"}}, Body: http.NoBody}, nil
		}
		return newStub().RoundTrip(r)
	})}}
	res, err := client.Get("https://api.example/")
	if err != nil || sent != 3 {
		t.Fatalf("%v, sent %d", err, sent)
	}
	_ = res.Body.Close()
}

func TestI13_AChainThatCannotBeFollowedBackGetsNoToken(t *testing.T) {
	rt, carried := tokenAt(t, nil)
	req := mustRequest(t, http.MethodGet, "https://api.example/", nil)
	req.Response = &http.Response{} // whoever made it kept no request
	if _, err := rt.RoundTrip(req); err != nil || carried() {
		t.Fatalf("%v; carried: %v", err, carried())
	}
}

func TestI13_AHostHeaderChangesNothing(t *testing.T) {
	rt, carried := tokenAt(t, func(r *authtrip.Registration) { r.Origins = []string{"api.example"} })
	req := mustRequest(t, http.MethodGet, "https://evil.example/", nil)
	req.Host = "api.example"
	if _, err := rt.RoundTrip(req); err != nil || carried() {
		t.Fatalf("%v; carried: %v", err, carried())
	}
}

func TestI13_OtherOriginsPassUntouched(t *testing.T) {
	src := newSource(t, func() authtrip.Registration {
		r := registration()
		r.Origins = []string{"api.example"}
		return r
	}(), authtrip.WithTokenTransport(roundTripFunc(func(*http.Request) (*http.Response, error) {
		t.Error("a token was asked for")
		return nil, io.EOF
	})))
	req := mustRequest(t, http.MethodPost, "https://kr1-infrastructure.example/v3/auth/tokens", strings.NewReader("x"))
	rt := &authtrip.Transport{Source: src, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
		if r != req {
			t.Error("the request is not the caller's own")
		}
		return newStub().RoundTrip(r)
	})}
	if _, err := rt.RoundTrip(req); err != nil {
		t.Fatal(err)
	}
}
