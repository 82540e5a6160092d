package hot

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/bench/fake"
	"github.com/authtrip/authtrip/bench/peer"
)

// BenchmarkFeatures is what a round trip costs with one thing more than the
// default, each beside the floor.
func BenchmarkFeatures(b *testing.B) {
	b.Run("min-mapclone", func(b *testing.B) { serial(b, build(b, named(b, "min-mapclone"))) })
	for _, f := range []struct {
		name   string
		change func(*authtrip.Registration)
	}{
		{"default", func(*authtrip.Registration) {}},
		{"1-origin-listed", func(r *authtrip.Registration) { r.Origins = []string{"api.example.test"} }},
		{"100-origins-listed", func(r *authtrip.Registration) {
			r.Origins = []string{"api.example.test"}
			for i := range 99 {
				r.Origins = append(r.Origins, fmt.Sprintf("api%02d.example.test", i))
			}
		}},
		{"two-token-headers", func(r *authtrip.Registration) {
			r.Headers = []string{"x-nhn-authentication", "x-nhn-authorization"}
		}},
		{"a-host-header", func(r *authtrip.Registration) {
			r.HostHeaders = map[string]map[string]authtrip.Secret{"api.example.test": {"X-App-Key": authtrip.NewSecret("key")}}
		}},
		{"a-Reject-func", func(r *authtrip.Registration) { r.Reject = authtrip.RejectBearer }},
	} {
		b.Run(f.name, func(b *testing.B) {
			r, c := registration("bench"), config(b, fake.Stub{})
			r.TokenEndpoint.URL = c.TokenURL
			f.change(&r)
			src, err := authtrip.NewSource(r, authtrip.WithTokenTransport(c.TokenTransport))
			if err != nil {
				b.Fatal(err)
			}
			serial(b, &authtrip.Transport{Source: src, Base: c.Base})
		})
	}
	b.Run("chosen-by-context-among-1000-tenants", func(b *testing.B) {
		c := config(b, fake.Stub{})
		var all []authtrip.Registration
		for i := range 1000 {
			r := registration(fmt.Sprintf("tenant-%03d", i))
			r.TokenEndpoint.URL = c.TokenURL
			all = append(all, r)
		}
		m, err := authtrip.NewManager(all, authtrip.WithTokenTransport(c.TokenTransport))
		if err != nil {
			b.Fatal(err)
		}
		rt := &authtrip.Transport{Source: m, Base: c.Base}
		ctx := authtrip.WithRegistration(context.Background(), "tenant-500")
		req := request(api).WithContext(ctx)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := rt.RoundTrip(req); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkHeaders is a round trip by how many headers the request has, for they
// are looked through for the token's in any spelling.
func BenchmarkHeaders(b *testing.B) {
	for _, n := range []int{0, 1, 4, 8, 16} {
		for _, p := range []peer.Peer{named(b, "min-mapclone"), named(b, "authtrip")} {
			b.Run(fmt.Sprintf("%d/%s", n, p.Name), func(b *testing.B) {
				rt, req := build(b, p), request(api)
				req.Header = http.Header{}
				for i := range n {
					req.Header.Set(fmt.Sprintf("X-Header-%d", i), "value")
				}
				b.ReportAllocs()
				for b.Loop() {
					if _, err := rt.RoundTrip(req); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func registration(id string) authtrip.Registration {
	return authtrip.Registration{ID: id, ClientID: "id", ClientSecret: authtrip.NewSecret("secret")}
}
