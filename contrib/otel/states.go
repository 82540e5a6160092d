package authotel

import (
	"context"
	"maps"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// What has a value at any time is kept here until a reader asks: what is left of
// a token is then computed anew.

// lifetimes are the ends of the tokens that came last, by registration: several
// may go by one name.
type lifetimes struct {
	mu   sync.Mutex
	ends map[string]time.Time // guarded by mu
}

// set notes for how long the latest token will be used; 0 is unknown.
func (l *lifetimes) set(registration string, left time.Duration) {
	if left <= 0 {
		l.drop(registration)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ends == nil {
		l.ends = map[string]time.Time{}
	}
	l.ends[registration] = time.Now().Add(left)
}

// drop forgets a token that is not used any more.
func (l *lifetimes) drop(registration string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.ends, registration)
}

// dropUnended forgets a token that was to be good still when a request had none:
// it was dropped. One that has ended stays, as ended.
func (l *lifetimes) dropUnended(registration string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ends[registration].After(time.Now()) {
		delete(l.ends, registration)
	}
}

// left returns what is left now, by registration.
func (l *lifetimes) left() map[string]time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	all := make(map[string]time.Duration, len(l.ends))
	for registration, end := range l.ends {
		// A computer that slept knows by its wall clock only, one whose wall
		// clock was set back by the other: a token ends by either.
		all[registration] = max(0, min(end.Sub(now), end.Round(0).Sub(now.Round(0))))
	}
	return all
}

// The states of a circuit, as authtrip names them.
var circuitStates = [...]string{"closed", "half-open", "open"}

// circuits are the states of those that were heard of, by server.
type circuits struct {
	mu     sync.Mutex
	states map[string]string // guarded by mu
}

// know is told of a server; its circuit was closed from the beginning.
func (c *circuits) know(server string) {
	if server == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.states[server]; !known {
		c.put(server, "closed")
	}
}

func (c *circuits) change(server, _, to string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.put(server, to)
}

func (c *circuits) put(server, state string) {
	if c.states == nil {
		c.states = map[string]string{}
	}
	c.states[server] = state
}

func (c *circuits) all() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.states)
}

// storeState is known once the Store failed.
type storeState struct {
	mu      sync.Mutex
	failing bool // guarded by mu
}

func (s *storeState) change(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failing = err != nil
}

func (s *storeState) fails() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failing
}

// leftByName is what is left of the token that ends first of each name.
func (t *Telemetry) leftByName() map[string]time.Duration {
	all := map[string]time.Duration{}
	for registration, left := range t.lifetimes.left() {
		name := t.name(registration)
		if name == "" {
			continue
		}
		if least, known := all[name]; !known || left < least {
			all[name] = left
		}
	}
	return all
}

// read returns the callback of a collection. Nothing is held while it observes.
func (t *Telemetry) read(lifetime metric.Float64Observable, circuit, failing metric.Int64Observable) metric.Callback {
	return func(_ context.Context, o metric.Observer) error {
		for name, left := range t.leftByName() {
			o.ObserveFloat64(lifetime, left.Seconds(), metric.WithAttributes(registrationKey.String(name)))
		}
		for server, now := range t.circuits.all() {
			for _, state := range circuitStates {
				o.ObserveInt64(circuit, count(state == now),
					metric.WithAttributes(append(serverAttributes(server), attribute.String("authtrip.circuit.state", state))...))
			}
		}
		o.ObserveInt64(failing, count(t.store.fails()))
		return nil
	}
}

func count(is bool) int64 {
	if is {
		return 1
	}
	return 0
}
