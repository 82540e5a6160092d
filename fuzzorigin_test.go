package authtrip

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// FuzzOrigin asks net/http itself where it would dial for a URL: a token goes
// nowhere but where it would dial for an origin that was named, and to the very
// places that were named it does go.
func FuzzOrigin(f *testing.F) {
	for _, listed := range []string{"", "api.example", "https://API.example:443", "http://plain.example:81", "[2001:db8::1]:8443", "localhost:"} {
		for _, target := range []string{
			"https://api.example/", "https://api.example:443", "https://API.EXAMPLE:", "https://api.example:0443", "https://api.example./",
			"https://user:pw@api.example/", "https://api.example@evil.example/", "https://evil.example#@api.example/", `https://evil.example\@api.example/`,
			"https://apı.example/", "https://api.e\u212aample/", "https://api%2eexample/", "https://api.example%00.evil.example/", "https:api.example", "//api.example/",
			"http://api.example/", "http://plain.example:81/", "http://plain.example/", "http://127.1/", "http://[::ffff:127.0.0.1]/", "http://[::1%25lo]/",
			"http://localhost:443/", "http://192.0.2.1/", "https://ap\u0130.example/", "https://[2001:db8::1]:8443/", "https://[2001:DB8:0::1]:8443/", "HTTPS://localhost/", "http://localhost.evil.example/", "ftp://api.example/", "",
		} {
			f.Add(listed, "plain.example:81", "", target)
			f.Add(listed, "", "https://api.example/", target)
			f.Add(listed, "", "http://localhost/", target)
		}
	}
	f.Fuzz(func(t *testing.T, listed, allowed, from, target string) {
		r, err := newOriginRule(list(listed), list(allowed))
		if err != nil {
			return
		}
		req, err := http.NewRequest(http.MethodGet, target, nil)
		if err != nil {
			return
		}
		if from != "" {
			first, err := http.NewRequest(http.MethodGet, from, nil)
			if err != nil {
				return
			}
			req.Response = &http.Response{Request: first}
		}
		got, there := r.judge(req), dialed(req.URL)
		if there == "" {
			return // it goes nowhere
		}
		named := listed != "" && there == dialed(originURL("https", listed))
		safe := strings.HasPrefix(there, "https ") || loopback(req.URL) || allowed != "" && there == dialed(originURL("http", allowed))
		stayed := from == "" || there == dialed(req.Response.Request.URL)
		if got == attach && (!safe || listed != "" && !named || !stayed && !named) {
			t.Fatalf("a token for %q, which is dialed as %q; listed %q, allowed %q, from %q", target, there, listed, allowed, from)
		}
		if got == refuse && (safe || from != "") {
			t.Fatalf("%q is refused; listed %q, allowed %q, from %q", target, listed, allowed, from)
		}
		// What Unicode calls equal is passed over, to be on the safe side.
		if got != attach && ascii(target+from) && safe && stayed && (named || listed == "") {
			t.Fatalf("no token for %q, which is dialed as %q; listed %q, allowed %q, from %q", target, there, listed, allowed, from)
		}
	})
}

func list(one string) []string {
	if one == "" {
		return nil
	}
	return []string{one}
}

// originURL is what a reader takes an entry of Origins for.
func originURL(scheme, text string) *url.URL {
	if !strings.Contains(text, "://") {
		text = scheme + "://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		return &url.URL{}
	}
	return u
}

// dialed is the scheme and the address that net/http dials for u, or empty if
// it refuses to. Names are the same to DNS in upper and lower case.
func dialed(u *url.URL) (address string) {
	var there string
	dial := func(_ context.Context, _, addr string) (net.Conn, error) {
		there = addr
		return nil, errors.New("far enough")
	}
	_, _ = (&http.Transport{DialContext: dial, DialTLSContext: dial}).RoundTrip(&http.Request{Method: http.MethodGet, URL: u, Header: http.Header{}})
	if there == "" {
		return ""
	}
	return u.Scheme + " " + strings.ToLower(there)
}

// loopback says whether u is this machine, whoever is asked.
func loopback(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return strings.ToLower(u.Hostname()) == "localhost" || ip != nil && ip.IsLoopback()
}

func ascii(s string) bool { return !strings.ContainsFunc(s, func(r rune) bool { return r > '~' }) }
