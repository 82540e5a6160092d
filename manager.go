package authtrip

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/sync/singleflight"
)

// Manager keeps the tokens of many registrations over one set of circuit
// breakers: registrations at the same authorization server share one.
//
// A Manager is safe for concurrent use. It holds no goroutine and no timer
// while no token call is under way.
type Manager struct {
	policy    Policy
	hooks     Hooks
	transport http.RoundTripper

	// Every flight's context is derived from ctx, which ends with Close and
	// inherits nothing from any caller.
	ctx    context.Context
	cancel context.CancelFunc

	flights singleflight.Group

	entries map[string]*entry // by registration ID; never changes
}

// Option is a setting of a [Manager], or of a [Source] from [NewSource]: a
// [Policy], [Hooks], or what a With function returns. Of two of a kind the
// later holds.
type Option interface{ apply(*Manager) }

type optionFunc func(*Manager)

func (f optionFunc) apply(m *Manager) { f(m) }

// WithTokenTransport sets what token and revocation calls go through: a proxy,
// client certificates, a test's stub. It must not be a Transport that needs
// the very tokens it fetches. The default uses the environment's proxy
// settings and keeps no connections; one given here should set
// DisableKeepAlives too, since net/http may send a request again by itself on
// a connection that died. Nil keeps the default.
func WithTokenTransport(rt http.RoundTripper) Option {
	return optionFunc(func(m *Manager) {
		if rt != nil {
			m.transport = rt
		}
	})
}

// NewManager checks all registrations and returns their Manager, or every
// fault in one error. It does no I/O. IDs must differ.
func NewManager(registrations []Registration, options ...Option) (*Manager, error) {
	m := &Manager{transport: newTokenTransport(), entries: map[string]*entry{}}
	for _, o := range options {
		if o != nil {
			o.apply(m)
		}
	}
	var faults []error
	var err error
	if m.policy, err = m.policy.check(); err != nil {
		faults = append(faults, err)
	}
	if len(registrations) == 0 {
		faults = append(faults, errors.New("authtrip: no registration given"))
	}
	breakers := map[string]*breaker{}
	for _, r := range registrations {
		c, err := r.check()
		if err != nil {
			faults = append(faults, err)
			continue
		}
		if m.entries[r.ID] != nil {
			faults = append(faults, fmt.Errorf("authtrip: registration %q is given twice", r.ID))
		}
		if breakers[c.server] == nil {
			breakers[c.server] = newBreaker(m.policy)
		}
		m.entries[r.ID] = &entry{manager: m, client: c, breaker: breakers[c.server]}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	return m, nil
}

// Source returns a handle on the token of one registration. For an unknown id
// the error lists the known ones.
func (m *Manager) Source(id string) (*Source, error) {
	if m == nil || m.cancel == nil {
		return nil, errNoManager
	}
	e, ok := m.entries[id]
	if !ok {
		return nil, fmt.Errorf("authtrip: no registration %q; there are: %s", id, m.ids())
	}
	return &Source{entry: e}, nil
}

func (m *Manager) ids() string {
	var ids []string
	for id := range m.entries {
		ids = append(ids, fmt.Sprintf("%q", id))
	}
	slices.Sort(ids)
	return strings.Join(ids, ", ")
}

// Close ends the Manager and all its Sources: token calls under way are given
// up, their callers and all later ones get ErrClosed. It does not wait, and
// revokes nothing. Calling it again does nothing. It returns nil.
func (m *Manager) Close() error {
	if m == nil || m.cancel == nil {
		return nil
	}
	m.cancel()
	for _, e := range m.entries {
		e.clear()
	}
	return nil
}

func (m *Manager) closed() bool { return m.ctx.Err() != nil }

// Format implements [fmt.Formatter] and prints the registrations' IDs for
// every verb: what a Manager holds is not for logs, and changes while it is
// printed.
func (m *Manager) Format(f fmt.State, _ rune) {
	ids := ""
	if m != nil {
		ids = m.ids()
	}
	_, _ = fmt.Fprintf(f, "authtrip.Manager(%s)", ids)
}

var errNoManager = errors.New("authtrip: the Manager is nil or zero: make one with NewManager")

// entryFor implements [Authorizer]: with one registration there is no choice.
func (m *Manager) entryFor(context.Context) (*entry, error) {
	if m == nil || m.cancel == nil {
		return nil, errNoManager
	}
	if len(m.entries) > 1 {
		return nil, fmt.Errorf("authtrip: the Manager has several registrations and the request chooses none; use a Source of one: %s", m.ids())
	}
	for _, e := range m.entries {
		if m.closed() {
			return nil, e.fail(ErrClosed)
		}
		return e, nil
	}
	return nil, errNoManager
}
