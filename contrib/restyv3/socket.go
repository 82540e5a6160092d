package restyv3

import (
	"crypto/tls"
	"net/http"
	"slices"
	"sync/atomic"

	"github.com/authtrip/authtrip"
	"resty.dev/v3"
)

// socket is the RoundTripper that this package puts under a client, over what
// the client had. When it is not the client's any more, what holds it still goes
// on with tokens: a copy of the http.Client, a transport around it, an event
// source.
type socket struct {
	base http.RoundTripper     // nil is http.DefaultTransport
	top  atomic.Pointer[layer] // never nil once a client has the socket
}

// RoundTrip implements [http.RoundTripper].
func (s *socket) RoundTrip(req *http.Request) (*http.Response, error) {
	return s.top.Load().RoundTrip(req)
}

// CloseIdleConnections closes those of what the client had, if it can.
func (s *socket) CloseIdleConnections() {
	if c, ok := orDefault(s.base).(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// add puts a layer for src over those that are there, unless one does as much.
func (s *socket) add(src authtrip.Authorizer, hooked bool) {
	if l := s.find(src); l != nil && (hooked || !l.hooked) {
		return
	}
	l := &layer{hooked: hooked}
	l.Source, l.NoReplay, l.Base = src, hooked, s.base
	if below := s.top.Load(); below != nil {
		l.Base = below
	}
	s.top.Store(l)
}

// layers returns those of s, the lowest first.
func (s *socket) layers() []*layer {
	var all []*layer
	for l := s.top.Load(); l != nil; l = l.below() {
		all = append(all, l)
	}
	slices.Reverse(all)
	return all
}

// find returns src's highest layer: one for all requests is over a hooked one,
// which has nothing to do then.
func (s *socket) find(src authtrip.Authorizer) *layer {
	for l := s.top.Load(); l != nil; l = l.below() {
		if l.Source == src {
			return l
		}
	}
	return nil
}

// layer serves with the tokens of one Source. It never changes.
type layer struct {
	authtrip.Transport
	hooked bool // of Attach: it attaches only
}

// below is the layer under l, if there is one.
func (l *layer) below() *layer {
	below, _ := l.Base.(*layer)
	return below
}

func orDefault(rt http.RoundTripper) http.RoundTripper {
	if rt != nil {
		return rt
	}
	return http.DefaultTransport
}

// tlsSocket is a socket over a transport whose TLS configuration Resty can
// reach. Another socket must not say that it has one: Resty would write to what
// nobody reads, and log nothing.
type tlsSocket struct{ socket }

var _ resty.TLSClientConfiger = (*tlsSocket)(nil)

// TLSClientConfig implements [resty.TLSClientConfiger]. As Resty itself does, it
// makes a configuration where there is none.
func (s *tlsSocket) TLSClientConfig() *tls.Config {
	switch base := s.base.(type) {
	case resty.TLSClientConfiger:
		return base.TLSClientConfig()
	case *http.Transport:
		if base.TLSClientConfig == nil {
			base.TLSClientConfig = new(tls.Config)
		}
		return base.TLSClientConfig
	}
	return nil
}

// SetTLSClientConfig implements [resty.TLSClientConfiger].
func (s *tlsSocket) SetTLSClientConfig(config *tls.Config) error {
	switch base := s.base.(type) {
	case resty.TLSClientConfiger:
		return base.SetTLSClientConfig(config)
	case *http.Transport:
		base.TLSClientConfig = config
	}
	return nil
}

// newSocket returns a socket over base, and the same as the client is to have
// it.
func newSocket(base http.RoundTripper) (*socket, http.RoundTripper) {
	switch base.(type) {
	case *http.Transport, resty.TLSClientConfiger:
		s := new(tlsSocket)
		s.base = base
		return &s.socket, s
	}
	s := &socket{base: base}
	return s, s
}
