package restyv3

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"

	"resty.dev/v3"
)

// place is where a client's own transport is: the client's Transport field, or
// that of the lowest of the Hedgers there, so that SetHedging finds its Hedger
// on top, whichever came first.
type place struct {
	client *resty.Client
	hedger resty.Hedger // or nil
	rt     http.RoundTripper
}

func placeOf(c *resty.Client) place {
	p := place{client: c, rt: c.Transport()}
	for {
		h, ok := p.rt.(resty.Hedger)
		if !ok {
			return p
		}
		p.hedger, p.rt = h, h.Transport()
	}
}

// set replaces what is there.
func (p place) set(rt http.RoundTripper) {
	switch {
	case p.hedger != nil:
		p.hedger.SetTransport(rt)
	case rt == nil: // which SetTransport ignores
		p.client.Client().Transport = nil
	default:
		p.client.SetTransport(rt)
	}
}

// has reports whether all that comes to p goes through s.
func (p place) has(s *socket) bool {
	switch rt := p.rt.(type) {
	case *socket:
		return rt == s
	case *tlsSocket:
		return &rt.socket == s
	}
	return isDigest(p.rt) && sendsThrough(p.rt, s)
}

// foreign says what took a socket's place.
func (p place) foreign() error {
	if isDigest(p.rt) {
		return errDigest
	}
	return fmt.Errorf("restyv3: the client's transport was replaced by a %T, and requests could go without a token: after SetTransport call Install again; for Attach, Uninstall", p.rt)
}

var errDigest = errors.New("restyv3: SetDigestAuth hides the 401 that rejects a token: call it after Install, and before SetHedging")

// isDigest reports whether rt is what SetDigestAuth sets. Over a socket it gets
// the last word on a 401; under one it would take the 401 that rejects a token
// for a bad challenge.
func isDigest(rt http.RoundTripper) bool { return fmt.Sprintf("%T", rt) == "*resty.digestTransport" }

// sendsThrough reports whether a digest transport is right over s. Resty gives
// no other way to see that than to look.
func sendsThrough(digest http.RoundTripper, s *socket) bool {
	below := reflect.ValueOf(digest).Elem().FieldByName("transport")
	return below.Kind() == reflect.Interface && below.Elem().Kind() == reflect.Pointer &&
		below.Elem().Pointer() == reflect.ValueOf(s).Pointer() // of a tlsSocket too: it begins with one
}
