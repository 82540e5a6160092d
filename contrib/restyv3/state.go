package restyv3

import (
	"net/http"
	"runtime"
	"sync"
	"weak"

	"github.com/authtrip/authtrip"
	"resty.dev/v3"
)

// state is what this package knows of one http.Client, which all clones of a
// Resty client share.
type state struct {
	mu      sync.Mutex
	socket  *socket // the one under the client, if any; guarded by mu
	checked bool    // Install's middleware is registered; guarded by mu
}

// states has those of all clients that are alive. A state does not hold its
// client.
var states = struct {
	sync.Mutex
	of map[weak.Pointer[http.Client]]*state // guarded by the Mutex
}{of: map[weak.Pointer[http.Client]]*state{}}

func stateOf(hc *http.Client) *state {
	key := weak.Make(hc)
	states.Lock()
	defer states.Unlock()
	s := states.of[key]
	if s == nil {
		s = new(state)
		states.of[key] = s
		runtime.AddCleanup(hc, forget, key)
	}
	return s
}

func forget(key weak.Pointer[http.Client]) {
	states.Lock()
	defer states.Unlock()
	delete(states.of, key)
}

// install has all requests of c served with src's tokens. First says that
// nobody has registered check yet.
func (s *state) install(c *resty.Client, src authtrip.Authorizer) (first bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.put(c); err != nil {
		return false, err
	}
	if l := s.socket.find(src); l == nil || l.hooked {
		s.socket.add(src, false)
	}
	first, s.checked = !s.checked, true
	return first, nil
}

// attach has c's requests carry a token. Hooked says that no more is done for
// them: Install was not called.
func (s *state) attach(c *resty.Client, src authtrip.Authorizer) (hooked bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.socket == nil {
		if err := s.put(c); err != nil {
			return false, err
		}
	} else if p := placeOf(c); !p.has(s.socket) {
		return false, p.foreign()
	}
	l := s.socket.find(src)
	if l == nil {
		s.socket.add(src, true)
	}
	return l == nil || l.hooked, nil
}

// put puts a socket under c, unless there is one, with the layers of one that
// was displaced.
func (s *state) put(c *resty.Client) error {
	p := placeOf(c)
	if s.socket != nil && p.has(s.socket) {
		return nil
	}
	if isDigest(p.rt) {
		return errDigest
	}
	next, top := newSocket(p.rt)
	if s.socket != nil {
		for _, l := range s.socket.layers() {
			next.add(l.Source, l.hooked)
		}
		s.socket.top.Store(nil) // what was set over it may be around it still
	}
	p.set(top)
	s.socket = next
	return nil
}

// check reports why c's requests would go without a token.
func (s *state) check(c *resty.Client) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.socket == nil {
		return nil
	}
	if p := placeOf(c); !p.has(s.socket) {
		return p.foreign()
	}
	return nil
}

// uninstall takes the socket off. What took its place, if anything did, stays.
func (s *state) uninstall(c *resty.Client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.socket == nil {
		return
	}
	if p := placeOf(c); p.has(s.socket) && !isDigest(p.rt) {
		p.set(s.socket.base)
	}
	s.socket.top.Store(nil)
	s.socket = nil
}
