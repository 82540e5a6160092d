package crowd

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// Issuer answers token requests in memory, with tokens of 64 characters, and
// keeps nothing.
type Issuer struct{ n, lifetime atomic.Int64 }

// SetLifetime says how long the tokens from now on live, in whole seconds; 0 is
// a day.
func (f *Issuer) SetLifetime(d time.Duration) { f.lifetime.Store(int64(d)) }

// Issued is how many tokens there were.
func (f *Issuer) Issued() int64 { return f.n.Load() }

// RoundTrip implements [http.RoundTripper].
func (f *Issuer) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
	}
	tok := fmt.Sprintf("%064d", f.n.Add(1))
	lifetime := cmp.Or(time.Duration(f.lifetime.Load()), 24*time.Hour)
	body := fmt.Sprintf(`{"access_token":%q,"token_type":"Bearer","expires_in":%d}`, tok, lifetime/time.Second)
	if strings.HasPrefix(r.URL.Path, "/app/") {
		body = fmt.Sprintf(`{"token":%q,"expires_at":%q}`, tok, time.Now().Add(lifetime).UTC().Format(time.RFC3339))
	}
	return &http.Response{
		StatusCode: 200, Status: "200 OK", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}},
		Body:   io.NopCloser(strings.NewReader(body)), Request: r,
	}, nil
}
