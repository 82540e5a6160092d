// Command revoke takes the token away while 500 requests are in flight.
//
// Replies leave one by one over half a second, so that most 401s arrive after
// the first caller could have fetched a new token (50 ms). A second wave of
// 500 follows. The variant "always401" sends 100 requests in turn, and then
// 100 at once, to an API that refuses every token.
package main

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/authtrip/authtrip/bench/fake"
	"github.com/authtrip/authtrip/bench/harness"
	"github.com/authtrip/authtrip/bench/peer"
)

func main() {
	harness.Main(harness.Scenario{
		Title: "forced revocation",
		Cases: harness.Cross("500-in-flight", "always401"),
		Run:   run,
	}, []string{"x-oauth2", "google-async", "azcore", "azcore-challenge", "smithy-bearer", "aws-credscache", "gophercloud", "ghinstallation", "msal"})
}

func get(d peer.Doer) (int, error) {
	req, _ := http.NewRequest(http.MethodGet, "https://api.example.test/v1", nil)
	res, err := d.Do(req)
	if err != nil {
		if strings.Contains(err.Error(), "but got 401") { // gophercloud turns a 401 into an error
			return 401, nil
		}
		return 0, err
	}
	res.Body.Close()
	return res.StatusCode, nil
}

func wave(d peer.Doer, n int) (unauth, failed int64) {
	var u, f atomic.Int64
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			switch code, err := get(d); {
			case err != nil:
				f.Add(1)
			case code == 401:
				u.Add(1)
			}
		})
	}
	wg.Wait()
	return u.Load(), f.Load()
}

func run(name string) harness.Row {
	pname, variant, _ := strings.Cut(name, "/")
	p, err := peer.ByName(pname)
	if err != nil {
		return harness.Row{harness.Text("error", err.Error())}
	}
	a := &fake.Auth{Before: 50 * time.Millisecond, Lifetime: time.Hour, TokenLen: 1024}
	a.Start()
	api := &fake.API{Auth: a, JudgeLate: true}
	c := peer.Config{
		TokenURL: a.TokenURL(), ClientID: "id", ClientSecret: "secret", Base: api,
		TokenTransport: a.Transport(), TokenTimeout: 10 * time.Second,
	}
	d, err := p.NewClient(c)
	if err != nil {
		return harness.Row{harness.Text("error", err.Error())}
	}
	if code, err := get(d); code != 200 {
		return harness.Row{harness.Text("error", err.Error())}
	}
	if variant == "always401" {
		bad := fake.API{Auth: &fake.Auth{}} // knows none of the tokens
		c.Base = &bad
		d, _ = p.NewClient(c)
		t0 := a.Attempts()
		for range 100 {
			get(d)
		}
		t1, r1 := a.Attempts(), bad.Requests()
		wave(d, 100)
		return harness.Row{
			harness.N("token req, 100 in turn", t1-t0), harness.N("API req, 100 in turn", r1),
			harness.N("token req, 100 at once", a.Attempts()-t1), harness.N("API req, 100 at once", bad.Requests()-r1),
		}
	}
	t0, r0 := a.Attempts(), api.Requests()
	api.Delay = func(n int64) time.Duration {
		if n -= r0; n < 500 {
			return 100*time.Millisecond + time.Duration(n)*time.Millisecond
		}
		return 20 * time.Millisecond
	}
	time.AfterFunc(90*time.Millisecond, a.RevokeAll)
	start := time.Now()
	u1, f1 := wave(d, 500)
	took := time.Since(start)
	t1, r1 := a.Attempts(), api.Requests()
	u2, f2 := wave(d, 500)
	return harness.Row{
		harness.N("401 to caller", u1), harness.N("errors", f1),
		harness.N("token requests", t1-t0), harness.N("API requests", r1-r0), harness.Ms("wave took", took),
		harness.N("2nd wave 401", u2), harness.N("2nd wave errors", f2), harness.N("2nd wave token req", a.Attempts()-t1),
	}
}
