package authtrip

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unsafe"
)

// Attach puts a valid token on req, and the host's static headers, when its
// origin is one of the registration's; any other request is left as it is. It
// is for those who are handed a request to authenticate and do not send it:
// whoever sends it should go through a [Transport] instead, which replaces a
// token that is rejected. See [Source.Suspect] for telling it of rejections.
//
// The request gets a header map of its own: the one it had may be shared with
// others, which must not get the token.
//
// What is attached is part of the request from then on: net/http carries such
// headers, all but Authorization and Cookie, to wherever a redirect leads.
// Where a Transport of this Source sends the request it takes them off again.
//
// It waits for a token as [Source.Token] does, and leaves when req's context
// ends. An error means that req is as it was: besides those of Token,
// [ErrInsecure].
func (s *Source) Attach(req *http.Request) error {
	if req == nil {
		return errors.New("authtrip: Attach was given no request")
	}
	e, err := s.entryFor(req.Context())
	if err != nil {
		return err
	}
	switch e.client.origins.judge(req) {
	case pass:
		return nil
	case refuse:
		return e.insecure(req)
	}
	tok := e.fresh()
	if tok == nil {
		e = e.pinned()
		defer e.unpin()
		if tok, err = e.get(req.Context(), nil); err != nil {
			return err
		}
	}
	req.Header = e.client.withToken(req, tok.header[:], e.client.carried(req.Header))
	for _, name := range e.client.headers {
		// The caller's own to write to, and a copy of the string: a Transport
		// must not take it for another Transport's work.
		req.Header[name] = []string{strings.Clone(tok.header[0])}
	}
	for _, s := range e.client.staticHeaders(req) {
		if values, ok := req.Header[s.name]; ok {
			req.Header[s.name] = slices.Clone(values)
		}
	}
	return nil
}

func (e *entry) insecure(req *http.Request) error {
	return e.fail(fmt.Errorf("request to %s: %w", origin(req.URL), ErrInsecure))
}

// carried reports whether h has one of the registration's token headers, in any
// spelling.
func (c *client) carried(h http.Header) bool {
	for key := range h {
		for _, name := range c.headers {
			if len(key) == len(name) && sameName(key, name) {
				return true
			}
		}
	}
	return false
}

func sameName(a, b string) bool { return a == b || lower(a) == lower(b) }

// withToken returns a copy of req's header in which the registration's token
// headers have value, in place of what req has there in any spelling, which own
// says there is, and the static headers of its host theirs, unless req has those
// itself.
func (c *client) withToken(req *http.Request, value []string, own bool) http.Header {
	h := req.Header
	out := maps.Clone(h)
	if out == nil {
		out = make(http.Header, len(c.headers))
	}
	if own {
		maps.DeleteFunc(out, func(key string, _ []string) bool {
			return slices.ContainsFunc(c.headers, func(name string) bool { return sameName(key, name) })
		})
	}
	for _, name := range c.headers {
		out[name] = value
	}
	if len(c.hostHeaders) == 0 {
		return out
	}
	if req.Response != nil { // from another host perhaps, whose headers it has
		for _, name := range c.staticIn(h) {
			delete(out, name)
		}
	}
	for _, s := range c.staticHeaders(req) {
		if !has(out, s.name) {
			out[s.name] = s.value
		}
	}
	return out
}

// withoutOwn returns req without what Attach put on it, for a place that must
// not have it: a redirect may have carried it there, and the entry have been
// evicted on the way, so that the chain's first request tells too. Each header
// is looked at alone, for net/http carries some and not others. A static one may
// be the caller's, for this place, if nothing says that it was carried.
func (e *entry) withoutOwn(req *http.Request) *http.Request {
	var own []string
	first := e.client.firstAttached(req)
	for _, name := range e.client.headers {
		if e.isOwn(req.Header[name]) || first != nil && len(req.Header[name]) > 0 && slices.Equal(req.Header[name], first.Header[name]) {
			own = append(own, name)
		}
	}
	if len(own) > 0 || req.Response != nil {
		own = append(own, e.client.staticIn(req.Header)...)
	}
	if len(own) == 0 {
		return req
	}
	out := new(http.Request)
	*out = *req
	out.Header = maps.Clone(req.Header)
	for _, name := range own {
		delete(out.Header, name)
	}
	return out
}

// firstAttached returns the request that the redirects to req began with, if
// it was for a place that got a token: what it had of the token's headers was
// replaced there, and is for no other place.
func (c *client) firstAttached(req *http.Request) *http.Request {
	first := req
	for first.Response != nil {
		if first = first.Response.Request; first == nil || first.URL == nil {
			return nil
		}
	}
	if first == req || c.origins.judge(first) != attach {
		return nil
	}
	return first
}

// isOwn reports whether values begin with a token of this entry, the last or
// the one before, as it would be sent.
func (e *entry) isOwn(values []string) bool {
	if len(values) == 0 {
		return false
	}
	last, previous := e.lastValues()
	return last != "" && values[0] == last || previous != "" && values[0] == previous
}

// attachedTo reports whether a Transport of this very entry has put its token
// on req: the header value is then the same string in memory, which survives
// the copying of headers and which nobody else can have.
func (e *entry) attachedTo(req *http.Request) bool {
	values := req.Header[e.client.headers[0]]
	if len(values) != 1 || values[0] == "" {
		return false
	}
	last, previous := e.lastValues()
	return sameString(values[0], last) || sameString(values[0], previous)
}

func sameString(a, b string) bool {
	return len(a) == len(b) && unsafe.StringData(a) == unsafe.StringData(b)
}

// has reports whether h has name, which is canonical, in any spelling.
func has(h http.Header, name string) bool {
	for key := range h {
		if len(key) == len(name) && sameName(key, name) {
			return true
		}
	}
	return false
}
