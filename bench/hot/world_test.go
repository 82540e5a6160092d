package hot

import (
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/authtrip/authtrip/bench/fake"
	"github.com/authtrip/authtrip/bench/peer"
)

const api = fake.URL

// tokenLen is that of tokens; a JWT is about as long.
func tokenLen() int {
	if n, err := strconv.Atoi(os.Getenv("TOKEN_LEN")); err == nil {
		return n
	}
	return 1024
}

// config is what a peer is built with, over base and an authorization server of
// its own.
func config(tb testing.TB, base http.RoundTripper) peer.Config {
	tb.Helper()
	auth := &fake.Auth{Lifetime: 24 * time.Hour, TokenLen: tokenLen()}
	auth.Start()
	tb.Cleanup(func() {
		auth.Close()
		if !fake.Untouched() {
			tb.Fatal("the peer modified the shared response: set FreshResponse")
		}
	})
	return peer.Config{
		TokenURL: auth.TokenURL(), ClientID: "id", ClientSecret: "secret",
		Base: base, TokenTransport: auth.Transport(), TokenTimeout: 5 * time.Second,
	}
}

// request is one with as many headers as requests have.
var request = fake.Request

// warm401 makes gophercloud, which only learns of tokens by a 401, fetch one.
type warm401 struct {
	warm bool
	base http.RoundTripper
}

func (w *warm401) RoundTrip(r *http.Request) (*http.Response, error) {
	if !w.warm && r.Header.Get("X-Auth-Token") == "" {
		return &http.Response{StatusCode: 401, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
	}
	return w.base.RoundTrip(r)
}

// build returns p, which has a token, over the stub that suits it.
func build(tb testing.TB, p peer.Peer) http.RoundTripper {
	tb.Helper()
	var stub http.RoundTripper = fake.Stub{Fresh: p.FreshResponse}
	if p.Name != "gophercloud" {
		return buildOver(tb, p, stub)
	}
	w := &warm401{base: stub}
	rt := buildOver(tb, p, w)
	w.warm = true
	return rt
}

func buildOver(tb testing.TB, p peer.Peer, base http.RoundTripper) http.RoundTripper {
	tb.Helper()
	rt, err := p.New(config(tb, base))
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := rt.RoundTrip(request(api)); err != nil {
		tb.Fatal(err)
	}
	return rt
}

// serial sends one request again and again.
func serial(b *testing.B, rt http.RoundTripper) {
	req := request(api)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := rt.RoundTrip(req); err != nil {
			b.Fatal(err)
		}
	}
}

func named(tb testing.TB, name string) peer.Peer {
	tb.Helper()
	p, err := peer.ByName(name)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}
