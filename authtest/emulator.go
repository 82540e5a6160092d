package authtest

import (
	"net/http"
	"net/http/httptest"
	"sync"
)

// emulator is what every emulator has: servers, a transport that reaches them,
// a fault, and a record of what was asked.
type emulator struct {
	transport *http.Transport
	shut      []func()
	closed    chan struct{}
	once      sync.Once

	mu       sync.Mutex
	fault    *fault    // guarded by mu; nil: none
	counts   Counts    // guarded by mu
	calling  int       // guarded by mu; token calls under way
	requests []Request // guarded by mu; a ring of the last maxRequests
}

// Option is a setting of an emulator.
type Option func(*setup)

type setup struct {
	memory, tls  bool
	api          http.Handler
	services     bool
	redirectURIs []string
}

// InMemory serves without sockets, so that tests in a testing/synctest bubble
// can use it; there, its clock is the bubble's. Only clients over the
// emulator's Transport reach it. Start it in the bubble, and close it there.
func InMemory() Option { return func(s *setup) { s.memory = true } }

// TLS serves https with a certificate of its own, which the emulator's
// Transport trusts, so that only clients over that reach it. InMemory goes
// before TLS.
func TLS() Option { return func(s *setup) { s.tls = true } }

// API sets what serves API requests whose token was accepted. By default every
// path answers 200 with the service's envelope, in which are method, path and
// the body's length and SHA-256; GET /v1/organizations of an [NHN] lists one
// organization, GET /prism/v1/service/user of a [PRISM] names the user. What
// [Services] starts is not served by it.
func API(h http.Handler) Option { return func(s *setup) { s.api = h } }

func newSetup(options []Option) setup {
	var set setup
	for _, o := range options {
		if o != nil {
			o(&set)
		}
	}
	return set
}

// serve starts a server for each handler and returns their URLs.
func (e *emulator) serve(set setup, handlers ...http.HandlerFunc) (urls []string) {
	e.closed = make(chan struct{})
	if set.memory {
		urls, e.transport, e.shut = serveInMemory(handlers)
		return urls
	}
	for _, h := range handlers {
		srv := httptest.NewUnstartedServer(h)
		srv.Config.ErrorLog = silent
		if set.tls {
			srv.StartTLS()
		} else {
			srv.Start()
		}
		urls = append(urls, srv.URL)
		e.shut = append(e.shut, srv.CloseClientConnections, srv.Close)
		if e.transport == nil { // one trusts them all: they share a certificate
			e.transport = srv.Client().Transport.(*http.Transport).Clone()
			e.transport.MaxIdleConnsPerHost = 1000
		}
	}
	return urls
}

// Close stops the servers and lets go of requests that hang.
func (e *emulator) Close() {
	e.once.Do(func() {
		close(e.closed)
		e.transport.CloseIdleConnections()
		for _, f := range e.shut {
			f()
		}
	})
}

// Transport reaches the emulator, in memory and over its TLS too. It adds no
// token: wrap it. Every call returns the same one.
func (e *emulator) Transport() *http.Transport { return e.transport }

// tokenTransport is one for token calls.
func (e *emulator) tokenTransport() *http.Transport {
	t := e.transport.Clone()
	t.DisableKeepAlives = true
	return t
}
