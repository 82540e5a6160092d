package authtrip

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
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
// strings.Reader. GetBody must give a new reader, as net/http asks: the first
// may be read still. Otherwise the rejecting response is returned as it came.
//
// The caller's request is not changed, and the token does not show in the
// response's Request.
//
// A Transport is safe for concurrent use; its fields must not change while it
// is in use.
type Transport struct {
	// Source gives the tokens: a *Source or a *Manager. Required.
	Source Authorizer
	// Base sends the requests; nil is http.DefaultTransport. Closing a body of
	// its responses must end a Read that is under way, as it does in net/http,
	// and it must not follow redirects: it would take the token along.
	Base http.RoundTripper
	// NoReplay hands a response that rejects the token to the caller instead of
	// sending the request again: for callers whose own layer retries, which
	// [Rejected] tells it to. The next request has another token.
	NoReplay bool
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
	if e.own() {
		return t.carry(req, e)
	}
	return t.carryPinned(req, e)
}

// carryPinned is carry with an entry that may be evicted.
func (t *Transport) carryPinned(req *http.Request, e *entry) (*http.Response, error) {
	e = e.pinned()
	defer e.unpin()
	return t.carry(req, e)
}

// carry sends req with e's token, which is pinned, if it should have one.
func (t *Transport) carry(req *http.Request, e *entry) (*http.Response, error) {
	switch e.client.origins.judge(req) {
	case pass:
		return t.base().RoundTrip(e.withoutOwn(req))
	case refuse:
		return refused(req, e.insecure(req))
	}
	own := e.client.carried(req.Header)
	if own && e.attachedTo(req) { // by a Transport around this one, which does the rest
		return t.base().RoundTrip(req)
	}
	tok := e.fresh()
	if tok == nil {
		again := req
		if t.NoReplay {
			again = nil
		}
		var err error
		if tok, err = e.getFor(req, again); err != nil {
			return refused(req, err)
		}
	}
	res, err := t.send(req, req, e.client, tok, own)
	if err != nil {
		return nil, err
	}
	var rejected bool
	if !e.client.plainlyAccepts(res) {
		res, rejected = e.judge(req, res)
	}
	if rejected {
		return t.retry(req, res, e, tok, own)
	}
	e.accept(tok)
	return res, nil
}

// getFor is get for a request whose body must be closed when a hook panics.
func (e *entry) getFor(req, again *http.Request) (*issued, error) {
	told := false
	defer func() {
		if !told && req.Body != nil {
			_ = req.Body.Close()
		}
	}()
	tok, err := e.get(req.Context(), again)
	told = true
	return tok, err
}

// plainlyAccepts reports whether res accepts its token without anybody having
// to look into it, as most do.
func (c *client) plainlyAccepts(res *http.Response) bool {
	return c.Reject == nil && len(c.RejectStatus) == 0 && res.StatusCode != http.StatusUnauthorized &&
		(len(c.envelopes) == 0 || res.StatusCode != http.StatusOK || res.Body == http.NoBody)
}

// judge reports whether res rejects the token that was sent. The response it
// returns is to be used instead of res, which it may have looked into.
//
// Some of what it asks is the user's: should that panic, the response is not
// left open.
func (e *entry) judge(req *http.Request, res *http.Response) (_ *http.Response, rejected bool) {
	judged := false
	defer func() {
		if !judged {
			_ = res.Body.Close()
		}
	}()
	res, rejected = e.judgeAll(req, res)
	judged = true
	return res, rejected
}

func (e *entry) judgeAll(req *http.Request, res *http.Response) (_ *http.Response, rejected bool) {
	if slices.Contains(e.client.RejectStatus, res.StatusCode) || e.client.reject(res) == TokenRejected {
		return res, true
	}
	rule, ok := e.client.envelopeOf(res, req)
	if !ok {
		return res, false
	}
	res, verdict, err := openEnvelope(req.Context(), res, rule, e.client.manager.policy.EnvelopeWait)
	if err != nil {
		if f := e.client.manager.hooks.Undecided; f != nil {
			f(req.Context(), e.client.ID, e.fail(err))
		}
	}
	return res, verdict == TokenRejected
}

// CloseIdleConnections closes Base's idle connections, if it can.
func (t *Transport) CloseIdleConnections() {
	if c, ok := t.base().(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

func (t *Transport) base() http.RoundTripper {
	switch {
	case t.Base != nil:
		return t.Base
	case http.DefaultTransport == http.RoundTripper(t):
		return itself{}
	}
	return http.DefaultTransport
}

// itself stands for the Base of a Transport that would be its own.
type itself struct{}

func (itself) RoundTrip(req *http.Request) (*http.Response, error) {
	return refused(req, errors.New("authtrip: http.DefaultTransport is a Transport without Base and would call itself: set Base to the transport that was there before"))
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
// map are copied: the values are shared, and not written to. The response
// belongs to the caller's request, which is req but for its body, and which
// does not show the token. Own says that req has a header of the token's.
func (t *Transport) send(req, callers *http.Request, c *client, tok *issued, own bool) (*http.Response, error) {
	out := new(http.Request)
	*out = *req
	out.Header = c.withToken(req, tok.header[:], own)

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
	// A base that sets no Request may share one response among all requests;
	// only a redirect needs it, to follow the chain back.
	if res.Request != nil || res.StatusCode/100 == 3 {
		inner := Rejected(res) // says a Transport of another Source
		res.Request = unmarked(callers)
		if inner {
			res = rejected(res, callers)
		}
	}
	if res.Body == nil {
		res.Body = http.NoBody
	}
	return res, nil
}
