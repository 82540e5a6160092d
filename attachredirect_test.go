package authtrip_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/authtrip/authtrip"
)

// chain is two servers, a.example and b.example with their subdomains, that
// redirect along /?to=URL&to=URL… and keep what they were sent.
type chain struct {
	base *http.Transport

	mu   sync.Mutex
	seen []http.Header // guarded by mu; in order
	at   []string      // guarded by mu; Host of each
}

func newChain(t *testing.T) *chain {
	c := &chain{}
	address := map[string]string{}
	for _, name := range []string{"a.example", "b.example"} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c.mu.Lock()
			c.seen, c.at = append(c.seen, r.Header), append(c.at, r.Host)
			c.mu.Unlock()
			if to := r.URL.Query()["to"]; len(to) > 0 {
				var code int
				_, _ = fmt.Sscan(r.URL.Query().Get("code"), &code)
				http.Redirect(w, r, along(to, code), code)
			}
		}))
		t.Cleanup(srv.Close)
		address[name] = srv.Listener.Addr().String()
	}
	c.base = &http.Transport{DialContext: func(ctx context.Context, _, host string) (net.Conn, error) {
		name, _, _ := net.SplitHostPort(host)
		return (&net.Dialer{}).DialContext(ctx, "tcp", address[strings.TrimPrefix(name, "sub.")])
	}}
	t.Cleanup(c.base.CloseIdleConnections)
	return c
}

// along is the first URL of a chain of redirects with that status.
func along(urls []string, code int) string {
	first := fmt.Sprintf("%s/?code=%d", urls[0], code)
	for _, u := range urls[1:] {
		first += "&to=" + u
	}
	return first
}

// own is what a's and b's own requests have: not what net/http adds.
func own(h http.Header) http.Header {
	h = h.Clone()
	for _, name := range []string{"Accept-Encoding", "User-Agent", "Referer"} {
		h.Del(name)
	}
	return h
}

// attachable is a registration at the servers of a chain.
func attachable(headers []string, listed ...string) authtrip.Registration {
	r := registration()
	r.Headers, r.Origins = headers, listed
	r.AllowHTTP = []string{"a.example", "a.example:81", "sub.a.example", "b.example"}
	r.HostHeaders = map[string]map[string]authtrip.Secret{"http://a.example": {"X-Tc-App-Key": authtrip.NewSecret("key-of-a"), "X-Second": authtrip.NewSecret("2")}}
	return r
}

// net/http carries what Attach put on a request, and strips only some of it,
// and only between some hosts: the Transport takes off the rest.
func TestI13_ATransportTakesOffWhatAttachPutOn(t *testing.T) {
	const a, b = "http://a.example", "http://b.example"
	for where, to := range map[string][]string{
		"another host": {a, b}, "another port": {a, a + ":81"}, "a subdomain": {a, "http://sub.a.example"},
		"there and back": {a, b, a}, "further": {a, b, "http://sub.a.example", b},
	} {
		for how, headers := range map[string][]string{
			"Authorization": nil, "a custom header": {"X-Token"}, "one that net/http strips, one not": {"Authorization", "X-Token"}, "the other way round": {"X-Token", "Authorization"},
		} {
			for _, listed := range [][]string{nil, {a}} {
				for _, previous := range []bool{false, true} {
					for _, code := range []int{302, 307} {
						t.Run(fmt.Sprint(where, ", ", how, ", ", listed, previous, code), func(t *testing.T) {
							c := newChain(t)
							src := newSource(t, attachable(headers, listed...), issuing("one", "two"))
							client := &http.Client{Transport: &authtrip.Transport{Source: src, Base: c.base}}
							req := mustRequest(t, http.MethodGet, along(to, code), nil)
							req.Header.Set("X-Own", "mine")
							if err := src.Attach(req); err != nil {
								t.Fatal(err)
							}
							token := "Bearer one"
							if previous {
								tok, _ := src.Token(t.Context())
								src.Invalidate(tok)
								if _, err := src.Token(t.Context()); err != nil {
									t.Fatal(err)
								}
								token = "Bearer two"
							}
							res, err := client.Do(req)
							if err != nil {
								t.Fatal(err)
							}
							_ = res.Body.Close()
							first := http.Header{"X-Own": {"mine"}, "X-Tc-App-Key": {"key-of-a"}, "X-Second": {"2"}}
							if headers == nil {
								first.Set("Authorization", token)
							}
							for _, name := range headers {
								first.Set(name, token)
							}
							if len(c.seen) != len(to) {
								t.Fatalf("%d requests, want %d", len(c.seen), len(to))
							}
							for i, h := range c.seen {
								want := first
								if i > 0 {
									want = http.Header{"X-Own": {"mine"}}
								}
								if got := own(h); !reflect.DeepEqual(got, want) {
									t.Errorf("%s got %v, want %v", c.at[i], got, want)
								}
							}
						})
					}
				}
			}
		}
	}
}

// What is a's own does not go to b either when both take the token.
func TestI13_AnAttachedHostHeaderStaysAtItsHost(t *testing.T) {
	const a, b, c = "http://a.example", "http://b.example", "http://sub.a.example"
	servers := newChain(t)
	r := attachable([]string{"X-Token"}, a, b, c)
	r.HostHeaders[b] = map[string]authtrip.Secret{"X-Tc-App-Key": authtrip.NewSecret("key-of-b")}
	src := newSource(t, r, issuing("one"))
	client := &http.Client{Transport: &authtrip.Transport{Source: src, Base: servers.base}}
	for _, attach := range []bool{true, false} {
		servers.seen = nil
		req := mustRequest(t, http.MethodGet, along([]string{a, b, c, a}, 307), nil)
		req.Header.Set("X-Own", "mine")
		if attach {
			if err := src.Attach(req); err != nil {
				t.Fatal(err)
			}
		}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		atA := http.Header{"X-Own": {"mine"}, "X-Token": {"Bearer one"}, "X-Tc-App-Key": {"key-of-a"}, "X-Second": {"2"}}
		want := []http.Header{
			atA, {"X-Own": {"mine"}, "X-Token": {"Bearer one"}, "X-Tc-App-Key": {"key-of-b"}},
			{"X-Own": {"mine"}, "X-Token": {"Bearer one"}}, atA,
		}
		for i, h := range servers.seen {
			if got := own(h); !reflect.DeepEqual(got, want[i]) {
				t.Errorf("attached %v: %s got %v, want %v", attach, servers.at[i], got, want[i])
			}
		}
	}
}

// What is the caller's is never taken off, though it has such a name.
func TestI13_TheCallersOwnHeadersStayElsewhere(t *testing.T) {
	const a, b = "http://a.example", "http://b.example"
	servers := newChain(t)
	src := newSource(t, attachable([]string{"X-Token"}, a), issuing("one"))
	if _, err := src.Token(t.Context()); err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &authtrip.Transport{Source: src, Base: servers.base}}
	for _, header := range []http.Header{
		{"X-Token": {"Bearer of another"}, "X-Tc-App-Key": {"another"}},
		{"X-Tc-App-Key": {"key-of-a"}}, // b wants the same one
		{"X-Token": nil},
		{"X-Token": {""}, "X-Second": {"2", "3"}},
	} {
		servers.seen = nil
		req := mustRequest(t, http.MethodGet, b, nil)
		req.Header = header.Clone()
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		want := header.Clone()
		for name, values := range header {
			if len(values) == 0 {
				delete(want, name) // on the wire nil is nothing
			}
		}
		if got := own(servers.seen[0]); !reflect.DeepEqual(got, want) {
			t.Errorf("b got %v, want %v", got, want)
		}
	}
}

// The caller's own value stands, and goes where net/http carries it.
func TestI13_ACallersOwnKeyIsNotTakenOffByARedirect(t *testing.T) {
	const a, b = "http://a.example", "http://b.example"
	for _, listed := range [][]string{nil, {a}, {a, b}} {
		servers := newChain(t)
		src := newSource(t, attachable([]string{"X-Token"}, listed...), issuing("one"))
		req := mustRequest(t, http.MethodGet, along([]string{a, b}, 307), nil)
		req.Header.Set("X-Tc-App-Key", "mine")
		if err := src.Attach(req); err != nil {
			t.Fatal(err)
		}
		res, err := (&http.Client{Transport: &authtrip.Transport{Source: src, Base: servers.base}}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		for i, h := range servers.seen {
			if h.Get("X-Tc-App-Key") != "mine" || (h.Get("X-Second") == "2") != (i == 0) {
				t.Errorf("listed %v: %s got %v", listed, servers.at[i], own(h))
			}
		}
	}
}

// It is on the request, and the request goes elsewhere: not by a redirect but
// by whoever changes its URL.
func TestI13_AnAttachedRequestThatIsSentElsewhereGoesWithout(t *testing.T) {
	src := newSource(t, keyed(), issuing("one"))
	var sent *http.Request
	rt := &authtrip.Transport{Source: src, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
		sent = r
		return newStub().RoundTrip(r)
	})}
	req := mustRequest(t, http.MethodGet, "https://api.example/", nil)
	req.Header.Set("X-Own", "mine")
	if err := src.Attach(req); err != nil {
		t.Fatal(err)
	}
	before := req.Header.Clone()
	req.URL.Host = "evil.example"
	if _, err := rt.RoundTrip(req); err != nil {
		t.Fatal(err)
	}
	if want := (http.Header{"X-Own": {"mine"}}); !reflect.DeepEqual(sent.Header, want) {
		t.Errorf("sent %v, want %v", sent.Header, want)
	}
	if !reflect.DeepEqual(req.Header, before) {
		t.Error("the caller's request was changed")
	}
}

// As plain http is never where the token may go, a redirect to it loses all.
func TestI13_WhatIsAttachedDoesNotFollowARedirectToPlainHTTP(t *testing.T) {
	for _, listed := range [][]string{nil, {"api.example"}} {
		r := keyed()
		r.Origins = listed
		var sent []http.Header
		src := newSource(t, r, issuing("one"))
		client := &http.Client{Transport: &authtrip.Transport{Source: src, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
			sent = append(sent, r.Header)
			res := &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody, Request: r}
			if r.URL.Scheme == "https" {
				res.StatusCode, res.Header = 307, http.Header{"Location": {"http://api.example/"}}
			}
			return res, nil
		})}}
		req := mustRequest(t, http.MethodGet, "https://api.example/", nil)
		if err := src.Attach(req); err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if len(sent) != 2 || len(own(sent[0])) != 3 || len(own(sent[1])) != 0 {
			t.Errorf("listed %v: sent %v", listed, sent)
		}
	}
}
