package authtrip_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/authtrip/authtrip"
)

// A request line of the caller's own (url.URL.Opaque) may name another place than
// the URL's host: a proxy on the way would take the token there.
func TestI13_ARequestLineThatNamesAnotherPlaceGetsNoToken(t *testing.T) {
	for _, listed := range [][]string{nil, {"api.example", "evil.example"}} {
		r := registration()
		r.Origins = listed
		var got string
		tr := &authtrip.Transport{Source: newSource(t, r, issuing("one")), Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
			got = r.Header.Get("Authorization")
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody}, nil
		})}
		for line, want := range map[string]bool{
			"":                           true,
			"/v1/a%2fb":                  true,
			"//api.example/v1/a%2fb":     true,
			"//API.example:443/":         true,
			"https://api.example/v1":     true,
			"//evil.example/v1":          false,
			"https://evil.example/v1":    false,
			"http://api.example/v1":      false,
			"//api.example@evil.example": false,
			"//api.example:444/":         false,
			"evil":                       false,
			"*":                          false,
			"https:///v1":                false,
			"%":                          false,
		} {
			got = ""
			req := mustRequest(t, http.MethodGet, "https://api.example/", nil)
			req.URL = &url.URL{Scheme: "https", Host: "api.example", Opaque: line, Path: "/"}
			if _, err := tr.RoundTrip(req); err != nil {
				t.Errorf("%q: %v", line, err)
			}
			if (got != "") != want {
				t.Errorf("with %v listed %q got %q", listed, line, got)
			}
		}
	}
}
