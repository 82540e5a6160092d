package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// issuer answers token requests in memory and keeps nothing.
type issuer struct{ n atomic.Int64 }

func (f *issuer) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
	}
	tok := fmt.Sprintf("%064d", f.n.Add(1))
	body := fmt.Sprintf(`{"access_token":%q,"token_type":"Bearer","expires_in":86400}`, tok)
	if strings.HasPrefix(r.URL.Path, "/app/") {
		body = fmt.Sprintf(`{"token":%q,"expires_at":%q}`, tok, time.Now().Add(24*time.Hour).UTC().Format(time.RFC3339))
	}
	return &http.Response{
		StatusCode: 200, Status: "200 OK", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}},
		Body:   io.NopCloser(strings.NewReader(body)), Request: r,
	}, nil
}

// challenge refuses requests without a token, which is how gophercloud learns
// that it needs one.
type challenge struct{ base http.RoundTripper }

func (c challenge) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Header.Get("Authorization") == "" && r.Header.Get("X-Auth-Token") == "" {
		return &http.Response{StatusCode: 401, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
	}
	return c.base.RoundTrip(r)
}

func request() *http.Request {
	req, err := http.NewRequest(http.MethodGet, "https://api.example.test/v1/things", nil)
	if err != nil {
		panic(err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "bench/1.0")
	req.Header.Set("X-Request-Id", "0123456789abcdef")
	return req
}
