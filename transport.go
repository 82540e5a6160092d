package authtrip

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"unsafe"
)

// Transport is an [http.RoundTripper] that puts a valid token on every request
// that should have one, and sends a request once more with a new token when
// the server rejects the first.
//
// A request goes with a token when its origin is one of the registration's
// (see [Registration].Origins); any other is passed to Base as it is. When no
// token can be had the request is not sent and the error says why.
//
// A request is sent again only if its body can be had again: it has none, or
// GetBody is set, as [http.NewRequest] does for bytes.Buffer, bytes.Reader and
// strings.Reader. Otherwise the rejecting response is returned as it came.
//
// The caller's request is not changed, and the token does not show in the
// response's Request.
//
// A Transport is safe for concurrent use; its fields must not change while it
// is in use.
type Transport struct {
	// Source gives the tokens: a *Source or a *Manager. Required.
	Source Authorizer
	// Base sends the requests; nil is http.DefaultTransport.
	Base http.RoundTripper
}

var _ http.RoundTripper = (*Transport)(nil)

// RoundTrip implements [http.RoundTripper].
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if t.Source == nil {
		return refused(req, errors.New("authtrip: Transport.Source is nil: set it to a *Source or *Manager"))
	}
	e, err := t.Source.entryFor(req.Context())
	if err != nil {
		return refused(req, err)
	}
	if t.Base == nil && http.DefaultTransport == http.RoundTripper(t) {
		return refused(req, errors.New("authtrip: http.DefaultTransport is a Transport without Base and would call itself: set Base to the transport that was there before"))
	}
	switch e.client.origins.judge(req) {
	case pass:
		return t.base().RoundTrip(req)
	case refuse:
		return refused(req, e.fail(fmt.Errorf("request to %s: %w", origin(req.URL), ErrInsecure)))
	}
	if e.attachedTo(req) { // by a Transport around this one, which does the rest
		return t.base().RoundTrip(req)
	}
	tok, err := e.get(req.Context())
	if err != nil {
		return refused(req, err)
	}
	res, err := t.send(req, e.client, tok)
	if err != nil || e.client.reject(res) == TokenAccepted {
		return res, err
	}
	return t.retry(req, res, e, tok)
}

// CloseIdleConnections closes Base's idle connections, if it can.
func (t *Transport) CloseIdleConnections() {
	if c, ok := t.base().(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

func (t *Transport) base() http.RoundTripper {
	if t.Base == nil {
		return http.DefaultTransport
	}
	return t.Base
}

// refused closes the body of a request that is not sent, as every RoundTripper
// must.
func refused(req *http.Request, err error) (*http.Response, error) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
	return nil, err
}

// send sends a copy of req that carries tok. Only the request and its header
// map are copied: the values are shared, and not written to.
func (t *Transport) send(req *http.Request, c *client, tok *issued) (*http.Response, error) {
	out := new(http.Request)
	*out = *req
	out.Header = withToken(req.Header, c.headers, tok.text.header)

	base := t.base()
	res, err := base.RoundTrip(out)
	switch {
	case err != nil && res != nil:
		if res.Body != nil {
			_ = res.Body.Close()
		}
		return nil, err
	case err != nil:
		return nil, err
	case res == nil:
		return nil, fmt.Errorf("authtrip: Transport.Base (%T) returned neither a response nor an error", base)
	}
	if res.Request == out {
		res.Request = req
	}
	if res.Body == nil {
		res.Body = http.NoBody
	}
	return res, nil
}

// withToken copies h and sets names to value, in place of what h has there in
// any spelling.
func withToken(h http.Header, names, value []string) http.Header {
	out := maps.Clone(h)
	if out == nil {
		out = make(http.Header, len(names))
	}
	for key := range h {
		for _, name := range names {
			if len(key) == len(name) && key != name && lower(key) == lower(name) {
				delete(out, key)
			}
		}
	}
	for _, name := range names {
		out[name] = value
	}
	return out
}

// attachedTo reports whether a Transport of this very entry has put its token
// on req: the header value is then the same string in memory, which survives
// the copying of headers and which nobody else can have.
func (e *entry) attachedTo(req *http.Request) bool {
	values := req.Header[e.client.headers[0]]
	if len(values) != 1 || values[0] == "" {
		return false
	}
	cur := e.current.Load()
	if cur == nil {
		return false
	}
	return sameString(values[0], cur.text.header[0]) || cur.previous != nil && sameString(values[0], cur.previous.header[0])
}

func sameString(a, b string) bool {
	return len(a) == len(b) && unsafe.StringData(a) == unsafe.StringData(b)
}
