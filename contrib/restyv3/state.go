package restyv3

import (
	"net/http"
	"runtime"
	"sync"
	"weak"

	"github.com/authtrip/authtrip"
	"resty.dev/v3"
)

// state is what this package knows of one http.Client, which Resty clients may
// share: Clone makes such.
type state struct {
	mu     sync.Mutex
	socket *socket // the one under the client, if any; guarded by mu
}

// states has those of all clients that are alive. A state does not hold its
// client, unless the client's own transport does.
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

// install has all requests of c served with src's tokens, or refused.
func (s *state) install(c *resty.Client, src authtrip.Authorizer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.serve(c, src, false); err != nil {
		return err
	}
	setCheck(c)
	setDebugCallback(c)
	return nil
}

// attach has c's requests carry a token. Hooked says that no more is done for
// them: neither Install nor a Transport of the user's own serves them.
func (s *state) attach(c *resty.Client, src authtrip.Authorizer) (hooked bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := placeOf(c)
	if s.socket != nil && !p.has(s.socket) {
		return false, p.foreign()
	}
	if own, ok := p.rt.(*authtrip.Transport); ok && own.Source == src {
		return false, nil
	}
	if err := s.serve(c, src, true); err != nil {
		return false, err
	}
	return s.socket.find(src).hooked, nil
}

// serve has the socket under c serve src; where there is none, a new one, which
// gets the layers of one that was displaced.
func (s *state) serve(c *resty.Client, src authtrip.Authorizer, hooked bool) error {
	p := placeOf(c)
	if s.socket != nil && p.has(s.socket) {
		s.socket.add(src, hooked)
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
	}
	next.add(src, hooked)
	p.set(top) // with all its layers
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
	s.socket = nil
}
