package middleware

import (
	"net/http"
	"runtime"
	"slices"
	"sync"
	"weak"

	"github.com/authtrip/authtrip"
)

// stack is what this package put under one http.Client, which Resty clients may
// share: Clone makes such.
type stack struct {
	layers []*layer // guarded by transports
}

// stacks has those of all clients that are alive. A stack does not hold its
// client, unless the client's own transport does.
var stacks = struct {
	sync.Mutex
	of map[weak.Pointer[http.Client]]*stack // guarded by the Mutex
}{of: map[weak.Pointer[http.Client]]*stack{}}

func stackOf(hc *http.Client) *stack {
	key := weak.Make(hc)
	stacks.Lock()
	defer stacks.Unlock()
	s := stacks.of[key]
	if s == nil {
		s = new(stack)
		stacks.of[key] = s
		runtime.AddCleanup(hc, forget, key)
	}
	return s
}

func forget(key weak.Pointer[http.Client]) {
	stacks.Lock()
	defer stacks.Unlock()
	delete(stacks.of, key)
}

// install puts a layer for src under hc, unless one serves all its requests.
func (s *stack) install(hc *http.Client, src authtrip.Authorizer) error {
	transports.Lock()
	defer transports.Unlock()
	if isDigest(hc.Transport) {
		return errDigest
	}
	if l := s.find(src, false); l != nil {
		if serves(hc.Transport, l) == nil {
			return nil
		}
		s.release(l)
	}
	s.push(hc, src, false)
	return nil
}

// hook returns the layer that serves hc's requests with src's tokens, and puts
// one under hc if there never was one. It returns none where a Transport of the
// user's own serves them.
func (s *stack) hook(hc *http.Client, src authtrip.Authorizer) (*layer, error) {
	transports.RLock()
	l := s.find(src, true)
	transports.RUnlock()
	if l != nil {
		return l, inPlace(hc, l)
	}
	transports.Lock()
	defer transports.Unlock()
	switch l := s.find(src, true); {
	case l != nil:
		return l, serves(hc.Transport, l)
	case isDigest(hc.Transport):
		return nil, errDigest
	}
	if own, ok := hc.Transport.(*authtrip.Transport); ok && own.Source == src {
		return nil, nil
	}
	return s.push(hc, src, true), nil
}

// find returns src's layer, one for all requests first; hooked or not, if
// hooked ones will do.
func (s *stack) find(src authtrip.Authorizer, hooked bool) *layer {
	var found *layer
	for _, l := range s.layers {
		switch {
		case l.Source != src:
		case !l.hooked:
			return l
		case hooked:
			found = l
		}
	}
	return found
}

func (s *stack) push(hc *http.Client, src authtrip.Authorizer, hooked bool) *layer {
	l := &layer{client: weak.Make(hc), hooked: hooked}
	l.Source, l.Base, l.NoReplay = src, hc.Transport, hooked
	hc.Transport = l
	s.layers = append(s.layers, l)
	return l
}

// release lets go of l, wherever it is.
func (s *stack) release(l *layer) {
	l.loose.Store(true)
	s.layers = slices.DeleteFunc(s.layers, func(other *layer) bool { return other == l })
}

// check reports why a layer of Install does not serve hc's requests.
func (s *stack) check(hc *http.Client) error {
	transports.RLock()
	defer transports.RUnlock()
	for _, l := range s.layers {
		if l.hooked {
			continue // its own hook looks after it
		}
		if err := serves(hc.Transport, l); err != nil {
			return err
		}
	}
	return nil
}

// clear takes all layers off. What took their place, if anything did, stays.
func (s *stack) clear(hc *http.Client) {
	transports.Lock()
	defer transports.Unlock()
	for l, ok := hc.Transport.(*layer); ok; l, ok = hc.Transport.(*layer) {
		hc.Transport = l.Base
	}
	for _, l := range slices.Clone(s.layers) {
		s.release(l)
	}
}
