package authotel

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"
)

// TokenTransport returns a transport for [authtrip.WithTokenTransport] in which
// an instrumentation sees token calls without what it must not export: the query
// of their URLs, in which some servers, B2B PRISM Live Studio's among them, have
// the code and the refresh token; and the text of errors, in which net/http
// repeats what a server sent.
//
//	authtrip.WithTokenTransport(authotel.TokenTransport(nil, func(base http.RoundTripper) http.RoundTripper {
//		return otelhttp.NewTransport(base)
//	}))
//
// Base makes the calls and should set DisableKeepAlives. Nil is a transport that
// does, and uses the environment's proxy settings, as that of package authtrip.
//
// The requests that the instrumentation sends must have the context that it was
// given, or one derived from it: what is hidden is found by it, and without it
// token calls fail. Where instrument is nil, or returns nil, base is returned.
//
// Headers and bodies are not hidden: leave instrumentations that export those,
// such as otelhttptrace with its defaults, out of token calls.
func TokenTransport(base http.RoundTripper, instrument func(http.RoundTripper) http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			TLSHandshakeTimeout:    5 * time.Second,
			DisableKeepAlives:      true,
			MaxResponseHeaderBytes: 64 << 10,
		}
	}
	if instrument == nil {
		return base
	}
	rt := instrument(&restoring{base})
	if rt == nil {
		return base
	}
	return &hiding{rt}
}

var errNoKey = errors.New("authotel: the instrumentation in a TokenTransport sends requests with a context of its own: have it derive that from the request's")

// hidden is what an instrumentation is not shown of one request: the context
// takes it past.
type hidden struct {
	query string
	force bool
}

type hiddenKey struct{}

// hiding is around the instrumentation.
type hiding struct{ rt http.RoundTripper }

func (t *hiding) RoundTrip(req *http.Request) (*http.Response, error) {
	h := &hidden{query: req.URL.RawQuery, force: req.URL.ForceQuery}
	res, err := t.rt.RoundTrip(withURL(req.WithContext(context.WithValue(req.Context(), hiddenKey{}, h)), "", false))
	if err != nil {
		if unshown, ok := errors.AsType[*unshown](err); ok {
			err = unshown.err
		}
		return nil, err
	}
	if res != nil {
		res.Request = req
	}
	return res, nil
}

// restoring is inside it.
type restoring struct{ rt http.RoundTripper }

func (t *restoring) RoundTrip(req *http.Request) (*http.Response, error) {
	h, ok := req.Context().Value(hiddenKey{}).(*hidden)
	if !ok { // without its query the call would be another
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, errNoKey
	}
	res, err := t.rt.RoundTrip(withURL(req, h.query, h.force))
	if err != nil {
		return nil, &unshown{err}
	}
	return res, nil
}

// withURL returns a copy of req with another query.
func withURL(req *http.Request, query string, force bool) *http.Request {
	out := new(http.Request)
	*out = *req
	out.URL = new(url.URL)
	*out.URL = *req.URL
	out.URL.RawQuery, out.URL.ForceQuery = query, force
	return out
}

// unshown is an error whose text is not for an instrumentation.
type unshown struct{ err error }

func (e *unshown) Error() string     { return "no answer: " + errorType(e.err) }
func (e *unshown) ErrorType() string { return errorType(e.err) }
