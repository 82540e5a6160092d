package proxy

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/authtrip/authtrip"
)

// errorHeader is on every answer that is the proxy's own, and on none of the
// API's.
const errorHeader = "Authtrip-Error"

// fault is an answer of the proxy's own, in place of the API's.
type fault struct {
	status     int
	kind       string // for errorHeader, and the metrics: one of few
	text       string
	retryAfter time.Duration // 0 says nothing of it
	gone       bool          // the client is, or its request broke off: nobody's trouble
}

// write answers with f.
func (f *fault) write(w http.ResponseWriter) {
	if f.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(f.retryAfter.Seconds()))))
	}
	w.Header().Set(errorHeader, f.kind)
	writeJSON(w, f.status, map[string]string{"error": f.kind, "error_description": f.text})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n'))
}

// faultOf says what err, for which a request of ctx got no response of the API,
// is to its client. The texts of authtrip's errors hold no secret.
func faultOf(ctx context.Context, err error) *fault {
	if _, ok := errors.AsType[*senderGone](err); ok {
		return &fault{status: http.StatusBadRequest, kind: "bad_request", text: "the request's body broke off", gone: true}
	}
	if ctx.Err() != nil {
		return &fault{status: http.StatusBadGateway, kind: "canceled", text: "the request ended before the API answered", gone: true}
	}
	if up, ok := errors.AsType[*upstreamError](err); ok {
		return up.fault()
	}
	f := &fault{status: http.StatusBadGateway, kind: "token_unavailable", text: err.Error()}
	f.retryAfter, _ = authtrip.RetryAfter(err)
	switch _, refused := errors.AsType[*authtrip.ServerError](err); {
	case errors.Is(err, authtrip.ErrCircuitOpen):
		f.status, f.kind = http.StatusServiceUnavailable, "circuit_open"
	case errors.Is(err, authtrip.ErrAuthorizationRequired):
		f.kind, f.text = "authorization_required", f.text+": see authtrip login"
	case errors.Is(err, authtrip.ErrClosed):
		f.status, f.kind = http.StatusServiceUnavailable, "stopping"
	case refused:
		f.kind = "token_refused"
	}
	return f
}

// upstream sends requests to the API, and marks its errors as no token's.
type upstream struct{ *http.Transport }

var _ http.RoundTripper = upstream{}

// idle is how long a connection to the API is kept without a request. Servers
// close theirs after 5 seconds (Node.js) to a minute; who closes last, sends on a
// connection that is no more, and what streams cannot be sent again.
const idle = 4 * time.Second

// newUpstream is net/http's default transport for many requests to one host. It
// hands on compressed answers as they come.
func newUpstream() upstream {
	t := &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, TLSHandshakeTimeout: 10 * time.Second, ExpectContinueTimeout: time.Second}
	if d, ok := http.DefaultTransport.(*http.Transport); ok {
		t = d.Clone()
	}
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 100, 100
	t.IdleConnTimeout = idle
	t.DisableCompression = true
	return upstream{t}
}

func (u upstream) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := u.Transport.RoundTrip(req)
	if err != nil {
		return nil, &upstreamError{err}
	}
	return res, nil
}

type upstreamError struct{ err error }

func (e *upstreamError) Error() string { return e.err.Error() }
func (e *upstreamError) Unwrap() error { return e.err }

func (e *upstreamError) Timeout() bool {
	t, ok := errors.AsType[net.Error](e.err)
	return ok && t.Timeout()
}

// fault says what kept the API from answering. What is neither of the network
// nor of TLS may repeat some of an odd answer, and is not shown.
func (e *upstreamError) fault() *fault {
	f := &fault{status: http.StatusBadGateway, kind: "upstream_unreachable", text: "the API gave no valid HTTP answer"}
	_, network := errors.AsType[*net.OpError](e.err)
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](e.err)
	switch {
	case network, untrusted:
		f.text = "the API cannot be reached: " + e.err.Error()
	case errors.Is(e.err, io.EOF), errors.Is(e.err, io.ErrUnexpectedEOF):
		f.text = "the API closed the connection without an answer"
	}
	if e.Timeout() {
		f.status = http.StatusGatewayTimeout
	}
	return f
}
