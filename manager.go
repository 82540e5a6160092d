package authtrip

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/singleflight"
)

// Manager keeps the tokens of many registrations over one set of circuit
// breakers: registrations at the same authorization server share one.
//
// A Manager is safe for concurrent use. It holds no goroutine and no timer
// while no token call is under way, but for what it has yet to save.
type Manager struct {
	policy    Policy
	hooks     Hooks
	transport http.RoundTripper
	store     *guardedStore
	owner     string // of intents and leases in the Store

	given      Store       // by an option; nil: none is, and nothing is shared
	encryption *Encryption // of the Store; nil: none is given
	plaintext  bool        // the Store may go without

	// Every flight's context is derived from ctx, which ends with Close and
	// inherits nothing from any caller.
	ctx    context.Context
	cancel context.CancelFunc

	flights singleflight.Group
	waiters waiters // for flights

	clients []client // never change
	byID    index    // the clients' own entries; never changes
	tokens  tokens

	ended   atomic.Bool // by Close
	closing sync.Mutex
	shut    bool           // guarded by closing
	awaited sync.WaitGroup // what Close waits for; added to under closing while not shut, or while it is not done
}

// Option is a setting of a [Manager], or of a [Source] from [NewSource]: a
// [Policy], [Hooks], an [Encryption], or what a With function returns. Of two of
// a kind the later holds, but for Hooks and loggers, which are all told.
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
	m := &Manager{transport: newTokenTransport(), owner: rand.Text(), clients: make([]client, len(registrations))}
	m.tokens.logins, m.tokens.scoped = map[loginName]*login{}, map[loginName][]*entry{}
	for _, o := range options {
		if o != nil {
			o.apply(m)
		}
	}
	if m.hooks.TokenCallDone != nil {
		m.waiters.of = map[*entry]*crowd{}
	}
	var faults []error
	var err error
	if m.policy, err = m.policy.check(); err != nil {
		faults = append(faults, err)
	}
	if err = m.openStore(); err != nil {
		faults = append(faults, err)
	}
	if len(registrations) == 0 {
		faults = append(faults, errors.New("authtrip: no registration given"))
	}
	faults = append(faults, m.register(registrations)...)
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	return m, nil
}

// register fills clients, and returns the faults of their registrations.
func (m *Manager) register(registrations []Registration) (faults []error) {
	breakers := map[string]*breaker{}
	settingsAt := map[string][]*settings{} // by token endpoint
	for i, r := range registrations {
		c, like := &m.clients[i], settingsAt[r.TokenEndpoint.URL]
		if err := c.check(r, like); err != nil {
			faults = append(faults, err)
			continue
		}
		if m.client(r.ID, idHash(r.ID)) != nil {
			faults = append(faults, fmt.Errorf("authtrip: registration %q is given twice", r.ID))
			continue
		}
		c.own.client = c
		m.byID.add(idHash(r.ID), &c.own)
		if c.manager != nil { // it has another's settings
			continue
		}
		if breakers[c.server] == nil {
			breakers[c.server] = newBreaker(c.server, m.policy, m.hooks.CircuitChanged)
		}
		c.manager, c.breaker = m, breakers[c.server]
		if c.TokenTransport == nil {
			c.TokenTransport = m.transport
		}
		// Of many that differ only the first few are looked for.
		if len(like) < 8 {
			settingsAt[r.TokenEndpoint.URL] = append(like, c.settings)
		}
	}
	for i := range m.clients {
		if s := m.clients[i].settings; s != nil {
			s.given = nil
		}
	}
	return faults
}

// Source returns a handle on the token of one registration; for a user's grant
// that of the principal "", for programs that have one user. For an unknown id
// the error lists the known ones.
func (m *Manager) Source(id string) (*Source, error) {
	return new(Source).of(m, id)
}

// SourceFor returns a handle on one user's token. The principal names the user
// in the Store: any string that stays the same, such as an account's number. A
// registration for client credentials has no users: that is an error.
func (m *Manager) SourceFor(id, principal string) (*Source, error) {
	return new(Source).ofUser(m, id, principal)
}

// registration returns the one with that ID, and the ID's hash.
func (m *Manager) registration(id string) (*client, uint64, error) {
	if m == nil || m.cancel == nil {
		return nil, 0, errNoManager
	}
	hash := idHash(id)
	if c := m.client(id, hash); c != nil {
		return c, hash, nil
	}
	return nil, 0, fmt.Errorf("authtrip: no registration %q; there are: %s", id, m.ids())
}

// client returns the one with that ID, or nil.
func (m *Manager) client(id string, hash uint64) *client {
	e := m.byID.find(hash, func(e *entry) bool { return e.client.ID == id })
	if e == nil {
		return nil
	}
	return e.client
}

// ids lists the registrations, the first of them when there are many.
func (m *Manager) ids() string {
	const most = 20
	all := make([]string, len(m.clients))
	for i := range m.clients {
		all[i] = m.clients[i].ID
	}
	slices.Sort(all)
	var ids []string
	for _, id := range all[:min(most, len(all))] {
		ids = append(ids, fmt.Sprintf("%q", id))
	}
	if len(all) > most {
		ids = append(ids, fmt.Sprintf("and %d more", len(all)-most))
	}
	return strings.Join(ids, ", ")
}

// shares reports whether other processes may use the same tokens.
func (m *Manager) shares() bool { return m.given != nil }

func (m *Manager) closed() bool { return m.ended.Load() }

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

// entryFor implements [Authorizer]: the context chooses, and with one
// registration there is no choice.
func (m *Manager) entryFor(ctx context.Context) (*entry, error) {
	if m == nil || m.cancel == nil {
		return nil, errNoManager
	}
	chosen := choiceOf(ctx)
	var c *client
	var hash uint64
	switch {
	case chosen.registration != "":
		var err error
		if c, hash, err = m.registration(chosen.registration); err != nil {
			return nil, err
		}
	case len(m.clients) > 1:
		return nil, fmt.Errorf("authtrip: the Manager has several registrations and the request chooses none: use WithRegistration, or a Source of one: %s", m.ids())
	default:
		c = &m.clients[0]
		hash = idHash(c.ID)
	}
	if m.closed() {
		return nil, c.own.fail(ErrClosed)
	}
	return m.entryOf(c, hash, chosen.principal, chosen.scopes)
}
