package hot

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/authtrip/authtrip/bench/fake"
	"github.com/authtrip/authtrip/bench/peer"
)

func tokenLen() int {
	if n, err := strconv.Atoi(os.Getenv("TOKEN_LEN")); err == nil {
		return n
	}
	return 1024
}

func config(b *testing.B, base http.RoundTripper) peer.Config {
	b.Helper()
	a := &fake.Auth{Lifetime: 24 * time.Hour, TokenLen: tokenLen()}
	a.Start()
	b.Cleanup(func() {
		a.Close()
		if !fake.Untouched() {
			b.Fatal("the peer modified the shared response: set FreshResponse")
		}
	})
	return peer.Config{
		TokenURL: a.TokenURL(), ClientID: "id", ClientSecret: "secret",
		Base: base, TokenTransport: a.Transport(), TokenTimeout: 5 * time.Second,
	}
}

func request(url string) *http.Request {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		panic(err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "bench/1.0")
	req.Header.Set("X-Request-Id", "0123456789abcdef")
	return req
}

// warm401 makes gophercloud, which only learns of tokens by a 401, fetch one.
type warm401 struct {
	warm bool
	base http.RoundTripper
}

func (w *warm401) RoundTrip(r *http.Request) (*http.Response, error) {
	if !w.warm && r.Header.Get("Authorization") == "" && r.Header.Get("X-Auth-Token") == "" {
		return &http.Response{StatusCode: 401, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
	}
	return w.base.RoundTrip(r)
}

func build(b *testing.B, p peer.Peer) http.RoundTripper {
	b.Helper()
	var base http.RoundTripper = fake.Stub{Fresh: p.FreshResponse}
	if p.Name == "gophercloud" {
		w := &warm401{base: base}
		rt, err := p.New(config(b, w))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := rt.RoundTrip(request("https://api.example.test/v1/things")); err != nil {
			b.Fatal(err)
		}
		w.warm = true
		return rt
	}
	rt, err := p.New(config(b, base))
	if err != nil {
		b.Fatal(err)
	}
	if _, err := rt.RoundTrip(request("https://api.example.test/v1/things")); err != nil {
		b.Fatal(err)
	}
	return rt
}

func BenchmarkSerial(b *testing.B) {
	for _, p := range peer.All {
		b.Run(p.Name, func(b *testing.B) {
			rt := build(b, p)
			req := request("https://api.example.test/v1/things")
			b.ReportAllocs()
			for b.Loop() {
				if _, err := rt.RoundTrip(req); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParallel(b *testing.B) {
	for _, p := range peer.All {
		b.Run(p.Name, func(b *testing.B) {
			rt := build(b, p)
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				req := request("https://api.example.test/v1/things")
				for pb.Next() {
					if _, err := rt.RoundTrip(req); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

// BenchmarkLookup is the token cache alone: no request is cloned.
func BenchmarkLookup(b *testing.B) {
	for _, p := range peer.All {
		if p.Lookup == nil {
			continue
		}
		b.Run(p.Name, func(b *testing.B) {
			get, err := p.Lookup(config(b, fake.Stub{}))
			if err != nil {
				b.Fatal(err)
			}
			ctx := context.Background()
			if _, err := get(ctx); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := get(ctx); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

// BenchmarkLoopback sends real requests to a server on 127.0.0.1, so that the
// peers' cost can be set against that of the smallest real round trip.
func BenchmarkLoopback(b *testing.B) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "ok")
	}))
	defer srv.Close()
	tr := &http.Transport{MaxIdleConnsPerHost: 64}
	defer tr.CloseIdleConnections()
	for _, p := range peer.All {
		switch p.Name {
		case "static-by-caller", "min-clone", "x-oauth2", "google-async", "smithy-bearer", "azcore":
		default:
			continue
		}
		b.Run(p.Name, func(b *testing.B) {
			c := config(b, tr)
			c.AllowHTTP = true
			rt, err := p.New(c)
			if err != nil {
				b.Fatal(err)
			}
			req := request(srv.URL)
			if p.Name == "static-by-caller" {
				req.Header.Set("Authorization", "Bearer "+peer.StaticToken)
			}
			b.ReportAllocs()
			for b.Loop() {
				res, err := rt.RoundTrip(req)
				if err != nil {
					b.Fatal(err)
				}
				io.Copy(io.Discard, res.Body)
				res.Body.Close()
			}
		})
	}
}
