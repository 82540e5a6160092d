package authtrip_test

import (
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
)

// stub answers every request with one shared response.
type stub struct{ res *http.Response }

func (s stub) RoundTrip(*http.Request) (*http.Response, error) { return s.res, nil }

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func newStub() stub {
	return stub{&http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody}}
}

func benchRequest() *http.Request {
	req, _ := http.NewRequest(http.MethodGet, "https://core.api.nhncloudservice.com/v1/organizations", nil)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "bench/1.0")
	req.Header.Set("X-Request-Id", "0123456789abcdef")
	return req
}

// benchBase is a variable so that the compiler does not see through it.
var benchBase http.RoundTripper = newStub()

// BenchmarkRoundTrip is a request with a valid token over a stub base, beside
// the floor: the least a RoundTripper may do, which is to copy the request and
// its header map, check one expiry and set one ready-made header.
func BenchmarkRoundTrip(b *testing.B) {
	token := strings.Repeat("t", 1024)
	tokens := roundTripFunc(func(*http.Request) (*http.Response, error) {
		body := `{"access_token":"` + token + `","token_type":"Bearer","expires_in":86400}`
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
	})
	source := func(headers ...string) *authtrip.Source {
		src, err := authtrip.NewSource(authtrip.Registration{
			ID: "bench", ClientID: "id", ClientSecret: authtrip.NewSecret("secret"),
			TokenEndpoint: authtrip.Endpoint{URL: "https://auth.example/token"},
			Headers:       headers, Origins: []string{"core.api.nhncloudservice.com"},
		}, authtrip.WithTokenTransport(tokens))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = src.Close() })
		return src
	}
	base := benchBase
	expiry, value := time.Now().Add(time.Hour), []string{"Bearer " + token}
	floor := roundTripFunc(func(req *http.Request) (*http.Response, error) {
		if time.Until(expiry) < 0 {
			return nil, io.EOF
		}
		out := *req
		out.Header = maps.Clone(req.Header)
		out.Header["Authorization"] = value
		return base.RoundTrip(&out)
	})
	for _, c := range []struct {
		name string
		rt   http.RoundTripper
	}{
		{"floor", floor},
		{"authorization", &authtrip.Transport{Source: source(), Base: base}},
		{"nhn", &authtrip.Transport{Source: source("x-nhn-authentication", "x-nhn-authorization"), Base: base}},
	} {
		b.Run(c.name, func(b *testing.B) {
			req := benchRequest()
			if _, err := c.rt.RoundTrip(req); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.rt.RoundTrip(req); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
