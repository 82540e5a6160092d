// Command body posts a body with a token that has been revoked and shows what
// the API receives when the peer tries again.
package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/authtrip/authtrip/bench/fake"
	"github.com/authtrip/authtrip/bench/harness"
	"github.com/authtrip/authtrip/bench/peer"
)

const size = 1 << 20

func main() {
	harness.Main(harness.Scenario{
		Title: "POST of 1 MiB with a revoked token",
		Cases: harness.Cross("getbody", "stream", "stream+length"),
		Run:   run,
	}, []string{"x-oauth2", "google-async", "azcore", "azcore-challenge", "smithy-bearer", "aws-credscache", "gophercloud", "ghinstallation", "msal"})
}

// onlyReader hides every method but Read.
type onlyReader struct{ r io.Reader }

func (o onlyReader) Read(p []byte) (int, error) { return o.r.Read(p) }

func run(name string) harness.Row {
	pname, variant, _ := strings.Cut(name, "/")
	p, err := peer.ByName(pname)
	if err != nil {
		return harness.Row{harness.Text("error", err.Error())}
	}
	a := &fake.Auth{Lifetime: time.Hour, TokenLen: 64}
	a.Start()
	payload := bytes.Repeat([]byte("0123456789abcdef"), size/16)
	want := sha256.Sum256(payload)
	var mu sync.Mutex
	var seen []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		v := a.Check(r.Header)
		if r.Method == http.MethodPost {
			what := fmt.Sprintf("%d bytes", len(b))
			switch {
			case err != nil:
				what += " then " + err.Error()
			case sha256.Sum256(b) == want:
				what = "whole"
			}
			if v != fake.Valid {
				what += "(401)"
			} else {
				what += "(200)"
			}
			mu.Lock()
			seen = append(seen, what)
			mu.Unlock()
		}
		if v != fake.Valid {
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			w.WriteHeader(401)
		}
	}))
	d, err := p.NewClient(peer.Config{
		TokenURL: a.TokenURL(), ClientID: "id", ClientSecret: "secret", Base: &http.Transport{},
		TokenTransport: a.Transport(), TokenTimeout: 10 * time.Second, AllowHTTP: true,
	})
	if err != nil {
		return harness.Row{harness.Text("error", err.Error())}
	}
	req, _ := http.NewRequest(http.MethodGet, srv.URL, nil)
	if res, err := d.Do(req); err != nil || res.StatusCode != 200 {
		return harness.Row{harness.Text("error", "warm start failed")}
	}
	a.RevokeAll()
	var body io.Reader = bytes.NewReader(payload)
	if variant != "getbody" {
		body = onlyReader{body}
	}
	req, _ = http.NewRequest(http.MethodPost, srv.URL, body)
	if variant == "stream+length" {
		req.ContentLength = size
	}
	t0 := a.Attempts()
	res, err := d.Do(req)
	got := ""
	if err != nil {
		got = "error: " + strings.ReplaceAll(err.Error(), srv.URL, "URL")
		if len(got) > 110 {
			got = got[:110] + "..."
		}
	} else {
		got = res.Status
	}
	mu.Lock()
	defer mu.Unlock()
	return harness.Row{
		harness.Text("the API received", strings.Join(seen, ", then ")),
		harness.Text("the caller got", strings.ReplaceAll(got, "\n", " ")),
		harness.N("token requests", a.Attempts()-t0),
	}
}
