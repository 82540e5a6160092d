package authtrip_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/nhn"
)

// What an API says of where to go next, in every way that was made up to fool
// readers of URLs: the token goes no further than its origin.
func TestI13_AHostileLocationGetsNoToken(t *testing.T) {
	const api, evil = "https://api.example", "https://evil.example"
	h := newHops(t, false, chainHosts...)
	for location, next := range map[string]string{ // what is seen next; nothing: an error says so
		// Elsewhere.
		"//evil.example/":                                               evil + " -",
		"//api.example@evil.example/":                                   evil + " -",
		"//evil.example:443/":                                           evil + ":443 -",
		"https://api.example@evil.example/":                             evil + " -",
		"https://api.example:x@evil.example/":                           evil + " -",
		"https://evil.example#@api.example/":                            evil + " -",
		"https://evil.example?@api.example/":                            evil + " -",
		"https://evil.example/@api.example/":                            evil + " -",
		"https://evil.example/\\@api.example/":                          evil + " -",
		"https://evil.example/" + strings.Repeat("api.example/", 8<<10): evil + " -",
		"https://api.example.evil.example/":                             "https://api.example.evil.example -",
		"https://api.example./":                                         "https://api.example. -",
		" \t https://evil.example/":                                     evil + " -",
		"https://evil.example/\r\nLocation: https://api.example/":       evil + " -",
		"https://evil.example/\r\nHost: api.example":                    evil + " -",
		"https://evil.example/\r\nX-Nhn-Authorization: Bearer fixed":    evil + " -",
		// At home, oddly spelled.
		"/\\evil.example/":                              api + " token key",
		"\\\\evil.example/":                             api + " token key",
		"/..//evil.example/":                            api + " token key",
		"../../../evil.example/":                        api + " token key",
		"@evil.example/":                                api + " token key",
		"./https://evil.example/":                       api + " token key",
		"?https://evil.example/":                        api + " token key",
		"#@evil.example/":                               api + " token key",
		"%2f%2fevil.example/":                           api + " token key",
		"////evil.example/":                             api + " token key",
		"https://evil.example@api.example/":             api + " token key",
		"/\r\nLocation: https://evil.example/":          api + " token key",
		"/x\r\nX-Nhn-Authorization: Bearer fixed":       api + " token key",
		"/" + strings.Repeat("../evil.example/", 8<<10): api + " token key",
		// Nowhere.
		"https:\\\\evil.example/":                  "",
		"https:/evil.example/":                     "",
		"https:///evil.example/":                   "",
		"https:evil.example":                       "",
		"https://":                                 "",
		"https://:443/":                            "",
		"https://evil.example\\@api.example/":      "",
		"https://api.example\\.evil.example/":      "",
		"https://api.example%2eevil.example/":      "",
		"https://api%2eexample/":                   "",
		"https://evil.example%00.api.example/":     "",
		"https://evil\t.example/":                  "",
		"https://evil.example/\x7f":                "",
		"https://api.example:443@/":                "",
		"https://api.example:443:8443/":            "",
		"https://api.example:-1/":                  "",
		"https://[api.example]/":                   "",
		"https://[::1/":                            "",
		"javascript:fetch('https://evil.example')": "",
		"data:text/html,x":                         "",
		"file:///etc/passwd":                       "",
		"ftp://api.example/":                       "",
		"ws://api.example/":                        "",
		"://evil.example/":                         "",
		"%":                                        "",
	} {
		for _, listed := range [][]string{nil, {api}} {
			client, _ := h.client(t, hopping([]string{nhn.HeaderAuthorization}, listed...))
			h.answering(func(step int, rw http.ResponseWriter, _ *http.Request) {
				if step > 0 {
					return
				}
				conn, _, err := http.NewResponseController(rw).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = fmt.Fprintf(conn, "HTTP/1.1 307 Temporary Redirect\r\nLocation: %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", location)
				_ = conn.Close()
			})
			res, err := client.Post(api, "text/plain", strings.NewReader("body"))
			if err == nil {
				_ = res.Body.Close()
			} else if carries(fmt.Sprintf("%v %#v", err, err)) != "-" {
				t.Errorf("%.60q: the error shows the token", location)
			}
			want := []string{api + " token key"}
			if next != "" {
				want = append(want, next)
			}
			if got := h.saw(); got != strings.Join(want, "\n") || (err == nil) != (next != "") {
				t.Errorf("%.60q, listed %v: error %v, seen:\n%s\nwant:\n%s", location, listed, err, got, strings.Join(want, "\n"))
			}
		}
	}
}

// Statuses that name a place and are no redirect, and headers that do so beside
// a redirect, lead nowhere.
func TestI13_OnlyARedirectLeadsAnywhere(t *testing.T) {
	const api, evil = "https://api.example", "https://evil.example"
	h := newHops(t, false, chainHosts...)
	client, _ := h.client(t, hopping(nil))
	for _, status := range []int{200, 201, 204, 300, 304, 305, 306, 399, 400, 421, 503} {
		h.answering(func(step int, rw http.ResponseWriter, _ *http.Request) {
			for _, name := range []string{"Location", "Content-Location", "Refresh", "Link", "Proxy"} {
				rw.Header().Set(name, evil)
			}
			rw.Header().Set("Alt-Svc", `h2="evil.example:443"; ma=86400; persist=1`)
			rw.WriteHeader(status)
		})
		for range 2 { // the second knows of the Alt-Svc
			res, err := client.Get(api)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
		}
		h.want(t, api+" token key", api+" token key")
	}
}

// The token follows the URL, which says whom the connection is to. A Host that
// the caller writes itself, the :authority of HTTP/2, is for that server to
// read and changes nothing: neither to whom the token goes nor to whom not.
func TestI13_TheTokenFollowsTheURLAndNotTheHost(t *testing.T) {
	const api, evil = "https://api.example", "https://evil.example"
	for _, http2 := range []bool{false, true} {
		h := newHops(t, http2, chainHosts...)
		for _, c := range []struct {
			url, host string
			locations []string
			want      []string // by the Host that the server saw
			dialed    []string
		}{
			{evil, "api.example", nil, []string{api + " -"}, []string{"evil.example:443"}},
			{evil, "api.example:443", nil, []string{api + ":443 -"}, []string{"evil.example:443"}},
			{api, "evil.example", nil, []string{evil + " token key"}, []string{"api.example:443"}},
			// net/http keeps the Host for a relative redirect, and drops it else.
			{api, "evil.example", []string{"/x", api}, []string{evil + " token key", evil + " token key", api + " token key"}, []string{"api.example:443"}},
			{evil, "api.example", []string{"/x", "https://evil.example/", api}, []string{api + " -", api + " -", evil + " -", api + " token key"}, []string{"evil.example:443", "api.example:443"}},
			{api, "api.example", []string{evil, "/x", api}, []string{api + " token key", evil + " -", evil + " -", api + " -"}, []string{"api.example:443", "evil.example:443"}},
		} {
			client, _ := h.client(t, hopping([]string{nhn.HeaderAuthorization}, api))
			h.base.CloseIdleConnections()
			h.begin(307, c.locations...)
			req := mustRequest(t, http.MethodGet, c.url, nil)
			req.Host = c.host
			res, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
			if http2 != (res.ProtoMajor == 2) {
				t.Fatalf("over %s", res.Proto)
			}
			h.want(t, c.want...)
			if dialed := slices.Compact(h.dials()); !slices.Equal(dialed, c.dialed) {
				t.Errorf("%s as %s: dialed %q, want %q", c.url, c.host, dialed, c.dialed)
			}
		}
	}
}

// Two hosts behind one address with one certificate, which some clients would
// talk to over one connection: each has its own, and only one the token.
func TestI13_TwoHostsOfOneCertificateShareNothing(t *testing.T) {
	const api, evil = "https://api.example", "https://evil.example"
	h := newHops(t, true, chainHosts...)
	client, _ := h.client(t, hopping(nil, api))
	from := map[string]string{}
	h.answering(func(_ int, rw http.ResponseWriter, r *http.Request) {
		from[r.RemoteAddr] += r.Host + " "
		_ = http.NewResponseController(rw).Flush()
	})
	for _, to := range []string{api, evil, api, evil} {
		res, err := client.Get(to)
		if err != nil || res.ProtoMajor != 2 {
			t.Fatalf("%v, %v", res, err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
	}
	h.want(t, api+" token key", evil+" -", api+" token key", evil+" -")
	for _, hosts := range from {
		if hosts != strings.Repeat("api.example ", 2) && hosts != strings.Repeat("evil.example ", 2) {
			t.Errorf("one connection had requests to %s", hosts)
		}
	}
}

// A request target that is written by hand changes the request line, not the
// connection: where it names another origin no token goes.
func TestI13_AnOpaqueURLGetsNoTokenElsewhere(t *testing.T) {
	const api, evil = "https://api.example", "https://evil.example"
	h := newHops(t, false, chainHosts...)
	client, _ := h.client(t, hopping(nil, api))
	for host, want := range map[string]string{"api.example": api + " token key", "evil.example": evil + " -"} {
		for _, opaque := range []string{"//evil.example/x", "//api.example/x", "/x"} {
			h.answering(nil)
			req := mustRequest(t, http.MethodGet, "https://"+host, nil)
			req.URL = &url.URL{Scheme: "https", Host: host, Opaque: opaque}
			req.Host = host // net/http takes the target's else
			res, err := client.Do(req)
			if err != nil {
				t.Fatalf("%s of %s: %v", opaque, host, err)
			}
			_ = res.Body.Close()
			if dialed := h.dials(); len(dialed) > 1 || len(dialed) == 1 && dialed[0] != host+":443" {
				t.Errorf("%s of %s: dialed %q", opaque, host, dialed)
			}
			want := want
			if opaque == "//evil.example/x" {
				want = evil + " -"
			}
			if _, got, _ := strings.Cut(h.saw(), " "); !strings.HasSuffix(want, " "+got) {
				t.Errorf("%s of %s: seen %s", opaque, host, h.saw())
			}
		}
	}
}

// Whoever answers in the API's place without its certificate gets nothing but a
// handshake: names and addresses lie, certificates do not.
func TestI13_AServerThatIsNotTheAPIGetsNothing(t *testing.T) {
	for name, hosts := range map[string][]string{"another's certificate": {"evil.example"}, "a certificate of nobody's": {"api.example"}} {
		h := newHops(t, false, hosts...)
		if name != "another's certificate" {
			h.base.TLSClientConfig = &tls.Config{}
		}
		dial := h.base.DialContext
		var said wire
		h.base.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			return &tapped{conn, &said}, err
		}
		client, asked := h.client(t, hopping(nil, "https://api.example"))
		_, err := client.Get("https://api.example/")
		wantAll(t, err, "certificate")
		if h.saw() != "" || carries(said.String()) != "-" || asked.calls != 1 {
			t.Errorf("%s: seen %q", name, h.saw())
		}
	}
}

// Plain http is for loopback as Go itself reads it. What a resolver may take for
// it, and what only begins so, is the network.
func TestI13_OddSpellingsOfLoopbackAreNotLoopback(t *testing.T) {
	rt, carried := tokenAt(t, nil)
	for host, loopback := range map[string]bool{
		"127.0.0.1": true, "127.255.255.254": true, "localhost": true, "LocalHost:80": true, "[::1]:8080": true,
		"[0:0:0:0:0:0:0:1]": true, "[::ffff:127.0.0.1]": true, "[::FFFF:7f00:1]": true, "user:pw@localhost": true,
		"127.1": false, "127.0.0.01": false, "0177.0.0.1": false, "0x7f.0.0.1": false, "2130706433": false, "017700000001": false,
		"0": false, "0.0.0.0": false, "[::]": false, "[::1%25lo]": false, "[::7f00:1]": false, "[::ffff:128.0.0.1]": false,
		"localhost.": false, "127.0.0.1.": false, "sub.localhost": false, "localhost.example": false, "127.0.0.1.example": false,
		"ｌocalhost": false, "127。0。0。1": false, "localhost@evil.example": false, "127.0.0.1:80@evil.example": false,
	} {
		res, err := rt.RoundTrip(mustRequest(t, http.MethodGet, "http://"+host+"/", nil))
		if err == nil {
			_ = res.Body.Close()
		}
		if loopback != (err == nil && carried()) || !loopback && !errors.Is(err, authtrip.ErrInsecure) {
			t.Errorf("%s: %v; want loopback %v", host, err, loopback)
		}
	}
}
