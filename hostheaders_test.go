package authtrip_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/authtrip/authtrip"
)

// headersAt is a Transport whose base keeps what headers each request had.
func headersAt(t *testing.T, r authtrip.Registration, tokens ...string) (rt *authtrip.Transport, sent *[]http.Header) {
	t.Helper()
	sent = new([]http.Header)
	return &authtrip.Transport{Source: newSource(t, r, issuing(tokens...)), Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
		*sent = append(*sent, r.Header)
		status := map[bool]int{true: 401, false: 200}[r.Header.Get("X-Nhn-Authorization") == "Bearer old"]
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
	})}, sent
}

// keys are static headers, name and value by turns.
func keys(namesAndValues ...string) map[string]authtrip.Secret {
	m := map[string]authtrip.Secret{}
	for i := 0; i < len(namesAndValues); i += 2 {
		m[namesAndValues[i]] = authtrip.NewSecret(namesAndValues[i+1])
	}
	return m
}

func TestI13_HostHeadersGoToTheirHostOnlyAndWhereTheTokenGoes(t *testing.T) {
	for name, c := range map[string]struct {
		origins []string
		want    map[string]string // by URL; "-" is neither token nor key
	}{
		"listed": {[]string{"api.example", "api.example:8443", "other.example", "http://localhost:8080"}, map[string]string{
			"https://api.example/":                     "one two",
			"https://API.example:443/path?q":           "one two",
			"https://user:pw@api.example/":             "one two",
			"https://api.example:8443/":                "three",
			"https://other.example/":                   "",
			"http://localhost:8080/":                   "local",
			"http://localhost:8081/":                   "-",
			"https://sub.api.example/":                 "-",
			"https://api.example.evil.example/":        "-",
			"https://evil.example/https://api.example": "-",
			"http://api.example/":                      "refused",
		}},
		"none listed": {nil, map[string]string{
			"https://api.example/":      "one two",
			"https://api.example:8443/": "three",
			"https://other.example/":    "",
			"https://sub.api.example/":  "",
			"http://localhost:8080/":    "local",
			"http://localhost/":         "",
			"http://api.example/":       "refused",
		}},
	} {
		r := keyed()
		r.Origins = c.origins
		r.HostHeaders = map[string]map[string]authtrip.Secret{
			"https://Api.Example:443/": keys("X-Key", "one", "x-second-key", "two"),
			"api.example:8443":         keys("X-Key", "three"),
			"http://localhost:8080":    keys("X-Key", "local"),
		}
		rt, sent := headersAt(t, r, "a")
		for url, want := range c.want {
			*sent = nil
			_, err := rt.RoundTrip(mustRequest(t, http.MethodGet, url, nil))
			got := "refused"
			if !errors.Is(err, authtrip.ErrInsecure) {
				if err != nil || len(*sent) != 1 {
					t.Fatalf("%s: %v, sent %d times", url, err, len(*sent))
				}
				h := (*sent)[0]
				got = strings.TrimSpace(h.Get("X-Key") + " " + h.Get("X-Second-Key"))
				if h.Get("X-Nhn-Authorization") != "Bearer a" {
					got = strings.TrimSpace("- " + got)
				}
			}
			if got != want {
				t.Errorf("%s: %s: %q, want %q", name, url, got, want)
			}
		}
	}
}

func TestI13_HostHeadersFollowNoRedirectElsewhere(t *testing.T) {
	const a, b, key = "http://a.example", "http://b.example", "key-of-a"
	for _, c := range []struct {
		listed []string
		to     []string
		want   []string // the key that each gets
	}{
		{nil, []string{a, a, b, a}, []string{key, key, "", ""}},
		{nil, []string{a, a + ":81"}, []string{key, ""}},
		{nil, []string{b, a}, []string{"", ""}},
		{[]string{a}, []string{a, a, b, a}, []string{key, key, "", ""}},
		{[]string{a}, []string{a, a + ":81"}, []string{key, ""}},
		{[]string{a}, []string{b, a}, []string{"", key}}, // as the token
		{[]string{a, b}, []string{a, b, a}, []string{key, "", key}},
	} {
		servers := newChain(t)
		client := &http.Client{Transport: &authtrip.Transport{Source: newSource(t, attachable([]string{"X-Token"}, c.listed...), issuing("one")), Base: servers.base}}
		res, err := client.Get(along(c.to, 307))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		var got []string
		for _, h := range servers.seen {
			got = append(got, h.Get("X-Tc-App-Key"))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("listed %v, %v: keys %q, want %q", c.listed, c.to, got, c.want)
		}
	}
}

func TestI16_ACallersOwnHostHeaderStandsAndIsNeverDoubled(t *testing.T) {
	for _, header := range []http.Header{
		{"X-Tc-App-Key": {"mine"}}, {"x-tc-app-key": {"mine"}}, {"X-TC-APP-KEY": {"mine"}}, {"X-Tc-App-Key": {"mine", "too"}},
		{"X-Tc-App-Key": {""}}, {"x-tc-app-key": nil}, // not at all is a choice too
	} {
		rt, sent := headersAt(t, keyed(), "old", "new")
		req := mustRequest(t, http.MethodGet, "https://api.example/", nil)
		req.Header = header.Clone()
		if _, err := rt.RoundTrip(req); err != nil || len(*sent) != 2 { // and after a replay
			t.Fatalf("%v, sent %d times", err, len(*sent))
		}
		for _, h := range *sent {
			h = h.Clone()
			delete(h, "X-Nhn-Authentication")
			delete(h, "X-Nhn-Authorization")
			if !reflect.DeepEqual(h, header) {
				t.Errorf("sent %v, want %v", h, header)
			}
		}
		if !reflect.DeepEqual(req.Header, header) {
			t.Errorf("the caller's request was changed to %v", req.Header)
		}
	}
}

func TestI13_AReplayCarriesHostHeadersToo(t *testing.T) {
	rt, sent := headersAt(t, keyed(), "old", "new")
	if res, err := rt.RoundTrip(mustRequest(t, http.MethodGet, "https://api.example/", nil)); err != nil || res.StatusCode != 200 {
		t.Fatalf("%v, %v", res, err)
	}
	want := []http.Header{
		{"X-Nhn-Authentication": {"Bearer old"}, "X-Nhn-Authorization": {"Bearer old"}, "X-Tc-App-Key": {"k3y"}},
		{"X-Nhn-Authentication": {"Bearer new"}, "X-Nhn-Authorization": {"Bearer new"}, "X-Tc-App-Key": {"k3y"}},
	}
	if !reflect.DeepEqual(*sent, want) {
		t.Fatalf("sent %v, want %v", *sent, want)
	}
}

func TestI07_NestedTransportsSendHostHeadersOnce(t *testing.T) {
	inner, sent := headersAt(t, keyed(), "a")
	for name, between := range map[string]http.RoundTripper{
		"directly":    inner,
		"over a copy": roundTripFunc(func(r *http.Request) (*http.Response, error) { return inner.RoundTrip(r.Clone(r.Context())) }),
	} {
		*sent = nil
		outer := &authtrip.Transport{Source: inner.Source, Base: between}
		for _, url := range []string{"https://api.example/", "https://evil.example/"} {
			if _, err := outer.RoundTrip(mustRequest(t, http.MethodGet, url, nil)); err != nil {
				t.Fatal(err)
			}
		}
		want := []http.Header{{"X-Nhn-Authentication": {"Bearer a"}, "X-Nhn-Authorization": {"Bearer a"}, "X-Tc-App-Key": {"k3y"}}, {}}
		if !reflect.DeepEqual(*sent, want) {
			t.Errorf("%s: sent %v, want %v", name, *sent, want)
		}
	}
}

// One registration's keys are not another's, though a Manager has both.
func TestI13_HostHeadersAreTheirRegistrationsAlone(t *testing.T) {
	one, two, three := keyed(), keyed(), keyed()
	one.ID, two.ID, three.ID = "one", "two", "three"
	two.HostHeaders = map[string]map[string]authtrip.Secret{"api.example": keys("X-TC-APP-KEY", "key-of-two")}
	three.HostHeaders = nil
	mgr, err := authtrip.NewManager([]authtrip.Registration{one, two, three}, issuing("a"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mgr.Close() })
	var got string
	rt := &authtrip.Transport{Source: mgr, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
		got = r.Header.Get("X-Tc-App-Key")
		return newStub().RoundTrip(r)
	})}
	for id, want := range map[string]string{"one": "k3y", "two": "key-of-two", "three": ""} {
		req, _ := http.NewRequestWithContext(authtrip.WithRegistration(t.Context(), id), http.MethodGet, "https://api.example/", nil)
		if _, err := rt.RoundTrip(req); err != nil || got != want {
			t.Errorf("%s: %v; the key is %q, want %q", id, err, got, want)
		}
		attached := mustRequest(t, http.MethodGet, "https://api.example/", nil)
		if err := source(t, mgr, id).Attach(attached); err != nil || attached.Header.Get("X-Tc-App-Key") != want {
			t.Errorf("%s: %v; attached the key %q, want %q", id, err, attached.Header.Get("X-Tc-App-Key"), want)
		}
	}
}

func TestI14_FaultsOfHostHeadersAreSaidWithoutTheirValues(t *testing.T) {
	const canary = "C4NARY"
	type hosts = map[string]map[string]authtrip.Secret
	for says, c := range map[string]hosts{
		`HostHeaders: "unlisted.example" is not in Origins: its headers would go nowhere`: {"unlisted.example": keys("X-Key", canary)},
		`HostHeaders: "http://api.example" is not in Origins`:                             {"http://api.example": keys("X-Key", canary)},
		`HostHeaders: "*.example": wildcards are not supported`:                           {"*.example": keys("X-Key", canary)},
		`HostHeaders: "" is no host`:                                                      {"": keys("X-Key", canary)},
		`HostHeaders: "api.example/path" says more than`:                                  {"api.example/path": keys("X-Key", canary)},
		`HostHeaders: a host or origin holds user information`:                            {"u:" + canary + "@api.example": keys("X-Key", canary)},
		`HostHeaders: "https://api.example:443" is there twice, in two spellings`:         {"api.example": keys("X-Key", canary), "https://API.example": keys("X-Other", canary)},
		`HostHeaders of "api.example": "X Key" is no header name`:                         {"api.example": keys("X Key", canary)},
		`HostHeaders of "api.example": "" is no header name`:                              {"api.example": keys("", canary)},
		`HostHeaders of "api.example": "X-NHN-authorization" carries the token`:           {"api.example": keys("X-NHN-authorization", canary)},
		`HostHeaders of "api.example": "host" cannot be set`:                              {"api.example": keys("host", canary)},
		`HostHeaders of "api.example": "Cookie" cannot be set`:                            {"api.example": keys("Cookie", canary)},
		`key" is there twice, in two spellings`:                                           {"api.example": keys("x-key", canary, "X-key", canary+"2")},
		`HostHeaders of "api.example": the value of "X-Key" is empty`:                     {"api.example": keys("X-Key", "")},
		`the value of "X-Zero" is empty`:                                                  {"api.example": {"X-Zero": {}}},
		`the value of "X-Space" is empty, or has white space`:                             {"api.example": keys("X-Space", canary+" "+canary)},
		`the value of "X-Line" is empty, or has white space`:                              {"api.example": keys("X-Line", canary+"\r\nX-Evil: 1")},
		`the value of "X-Letters" is empty, or has white space or other characters`:       {"api.example": keys("X-Letters", canary+"é")},
	} {
		r := keyed()
		r.HostHeaders = c
		_, err := authtrip.NewSource(r)
		wantAll(t, err, `registration "test"`, says)
		for how, text := range everyPrint(err) {
			if strings.Contains(text, canary) {
				t.Errorf("by %s: %s", how, text)
			}
		}
	}
	// All at once, and each good one is no fault.
	r := keyed()
	r.HostHeaders = hosts{"api.example": keys("X-Good", "g", "X Bad", canary, "Host", canary), "unlisted.example": nil, "other.example": {}}
	_, err := authtrip.NewSource(r)
	wantAll(t, err, `"X Bad"`, `"Host"`, `"unlisted.example"`)
	if text := fmt.Sprint(err); strings.Contains(text, "X-Good") || strings.Contains(text, "other.example") || strings.Contains(text, canary) {
		t.Error(text)
	}
	r.HostHeaders = hosts{"elsewhere.example": keys("authorization", "x", "X-Key", `!"#$%~`)}
	r.Origins = nil // then every host may get the token
	if _, err := authtrip.NewSource(r); err != nil {
		t.Error(err)
	}
}

func TestHostHeadersAreAsTheyWereChecked(t *testing.T) {
	r := keyed()
	rt, sent := headersAt(t, r, "a")
	r.HostHeaders["api.example"]["x-tc-app-key"] = authtrip.NewSecret("changed")
	r.HostHeaders["api.example"]["X-More"] = authtrip.NewSecret("more")
	r.HostHeaders["other.example"] = keys("X-More", "more")
	for _, url := range []string{"https://api.example/", "https://other.example/"} {
		if _, err := rt.RoundTrip(mustRequest(t, http.MethodGet, url, nil)); err != nil {
			t.Fatal(err)
		}
	}
	if (*sent)[0].Get("X-Tc-App-Key") != "k3y" || (*sent)[0].Get("X-More") != "" || (*sent)[1].Get("X-More") != "" {
		t.Fatalf("sent %v", *sent)
	}
}

// TestAHostsKeyIsFoundHoweverOriginAndRequestSpellIt: some spellings are looked
// up as they are written.
func TestAHostsKeyIsFoundHoweverOriginAndRequestSpellIt(t *testing.T) {
	spellings := []string{"api.example", "api.example:443", "API.example", "api.example:"}
	for _, listed := range spellings {
		for _, keyedAs := range spellings {
			r := registration()
			r.Origins = []string{listed, "other.example"}
			r.HostHeaders = map[string]map[string]authtrip.Secret{keyedAs: {"X-Tc-App-Key": authtrip.NewSecret("k3y")}}
			src := newSource(t, r, issuing("a"))
			for _, asked := range append(spellings, "other.example") {
				req := &http.Request{Method: http.MethodGet, URL: &url.URL{Scheme: "https", Host: asked, Path: "/"}}
				if err := src.Attach(req); err != nil {
					t.Fatal(err)
				}
				if got, want := req.Header.Get("X-Tc-App-Key") != "", asked != "other.example"; got != want || req.Header.Get("Authorization") == "" {
					t.Errorf("listed as %q, key of %q, request to %q: key %v, want %v, and a token", listed, keyedAs, asked, got, want)
				}
			}
		}
	}
}
