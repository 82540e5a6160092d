package hot

import (
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/authtrip/authtrip/bench/fake"
	"github.com/authtrip/authtrip/bench/peer"
)

func tenants() int {
	if n, err := strconv.Atoi(os.Getenv("TENANTS")); err == nil {
		return n
	}
	return 100_000
}

func live() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// BenchmarkTenants builds one client per credential over shared transports and
// reports the live heap per credential, before and after each holds a
// 64-character token. Run it with -benchtime 1x.
func BenchmarkTenants(b *testing.B) {
	n := tenants()
	for _, p := range peer.All {
		if p.Static && p.Name != "min-clone" {
			continue
		}
		count := n
		if p.Name == "google-2lo" || p.Name == "ghinstallation" {
			count = n / 50 // each token costs an RSA signature
		}
		b.Run(p.Name, func(b *testing.B) {
			for range b.N {
				a := &fake.Auth{Lifetime: 24 * time.Hour, TokenLen: 64}
				a.Start()
				mem := &freeIssuer{}
				c := peer.Config{TokenURL: a.TokenURL(), TokenTransport: mem, TokenTimeout: 5 * time.Second}
				c.Base = &warm401{base: fake.Stub{Fresh: p.FreshResponse}}
				all := make([]http.RoundTripper, count)
				before, g0 := live(), runtime.NumGoroutine()
				for i := range all {
					c.ClientID, c.ClientSecret = fmt.Sprintf("client-%07d", i), fmt.Sprintf("secret-%07d", i)
					rt, err := p.New(c)
					if err != nil {
						b.Fatal(err)
					}
					all[i] = rt
				}
				built := live()
				req := request("https://api.example.test/v1/things")
				for _, rt := range all {
					if res, err := rt.RoundTrip(req); err != nil || res.StatusCode != 200 {
						b.Fatal(res, err)
					}
				}
				warm := live()
				b.ReportMetric((built-before)/float64(count), "B/built")
				b.ReportMetric((warm-before)/float64(count), "B/warm")
				b.ReportMetric(float64(runtime.NumGoroutine()-g0)/float64(count), "goroutines/tenant")
				runtime.KeepAlive(all)
				a.Close()
			}
		})
	}
}
