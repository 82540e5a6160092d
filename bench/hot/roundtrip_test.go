package hot

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/authtrip/authtrip/bench/fake"
	"github.com/authtrip/authtrip/bench/peer"
)

// BenchmarkSerial is one goroutine's requests over a base that answers at once.
func BenchmarkSerial(b *testing.B) {
	for _, p := range peer.All {
		b.Run(p.Name, func(b *testing.B) { serial(b, build(b, p)) })
	}
}

// BenchmarkParallel is the same from as many goroutines as there are cores, over
// one peer.
func BenchmarkParallel(b *testing.B) {
	for _, p := range peer.All {
		b.Run(p.Name, func(b *testing.B) {
			rt := build(b, p)
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				req := request(api)
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

// BenchmarkResty sends requests through a Resty client, whose own cost is the
// floor here.
func BenchmarkResty(b *testing.B) {
	for _, p := range peer.Resty {
		b.Run(p.Name, func(b *testing.B) { serial(b, build(b, p)) })
	}
}

var onLoopback = []string{"static-by-caller", "min-mapclone", "authtrip", "x-oauth2", "google-async", "smithy-bearer", "azcore"}

// BenchmarkLoopback sends real requests to a server on 127.0.0.1, so that the
// peers' cost can be set against that of the smallest real round trip.
func BenchmarkLoopback(b *testing.B) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "ok")
	}))
	defer srv.Close()
	tr := &http.Transport{MaxIdleConnsPerHost: 64}
	defer tr.CloseIdleConnections()
	for _, p := range peer.All {
		if !slices.Contains(onLoopback, p.Name) {
			continue
		}
		b.Run(p.Name, func(b *testing.B) {
			c := config(b, tr)
			c.AllowHTTP, c.Origin = true, srv.URL
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
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
			}
		})
	}
}
