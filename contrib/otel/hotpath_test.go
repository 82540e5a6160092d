package authotel_test

import (
	"net/http"
	"testing"

	"github.com/authtrip/authtrip"
)

// answered is a wire that answers at once, and costs nothing.
var answered = roundTripper(func(*http.Request) (*http.Response, error) { return ok, nil })

var ok = &http.Response{StatusCode: 200, Status: "200 OK", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: http.NoBody}

// fresh is a Transport with a fresh token and the options.
func fresh(tb testing.TB, cloud string, options ...authtrip.Option) (*authtrip.Transport, *http.Request) {
	tb.Helper()
	issue := roundTripper(func(*http.Request) (*http.Response, error) {
		return reply(`{"access_token":"a-token-of-thirty-two-characters","token_type":"Bearer","expires_in":86400}`), nil
	})
	src, err := authtrip.NewSource(authtrip.Registration{
		ID: "payments", ClientID: "c", ClientSecret: authtrip.NewSecret("s"),
		TokenEndpoint: authtrip.Endpoint{URL: "https://auth.example.com/token"}, Origins: []string{cloud},
	}, append(options, authtrip.WithTokenTransport(issue))...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = src.Close() })
	if _, err := src.Token(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodGet, "https://"+cloud+"/v1/things", nil)
	if err != nil {
		tb.Fatal(err)
	}
	return &authtrip.Transport{Source: src, Base: answered}, req
}

func send(tb testing.TB, rt http.RoundTripper, req *http.Request) {
	if _, err := rt.RoundTrip(req); err != nil {
		tb.Fatal(err)
	}
}

func TestARequestWithAFreshTokenCostsNothingMore(t *testing.T) {
	w := newTelemetry(t)
	bare, req := fresh(t, "api.example.com")
	without := testing.AllocsPerRun(1000, func() { send(t, bare, req) })
	hooked, req := fresh(t, "api.example.com", w.tel.Hooks())
	with := testing.AllocsPerRun(1000, func() { send(t, hooked, req) })
	if with != without {
		t.Errorf("%v allocations with the hooks, %v without", with, without)
	}
}

func BenchmarkFreshToken(b *testing.B) {
	for _, c := range []struct {
		name  string
		hooks []authtrip.Option
	}{{"without", nil}, {"with", []authtrip.Option{newTelemetry(b).tel.Hooks()}}} {
		b.Run(c.name, func(b *testing.B) {
			rt, req := fresh(b, "api.example.com", c.hooks...)
			b.ReportAllocs()
			for b.Loop() {
				send(b, rt, req)
			}
		})
	}
}
