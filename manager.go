package authtrip

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

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
	store     Store
	owner     string // of intents in the Store

	// Every flight's context is derived from ctx, which ends with Close and
	// inherits nothing from any caller.
	ctx    context.Context
	cancel context.CancelFunc

	flights singleflight.Group

	registered map[string]*registered // by ID; never changes
	tokens     tokens

	closing   sync.Mutex
	shut      bool           // guarded by closing
	redeeming sync.WaitGroup // what Close waits for; added to under closing, while not shut
}

// registered is a registration of a Manager.
type registered struct {
	client  *client
	breaker *breaker
	scopes  []string // a sorted set
	own     *entry   // the client's own token; for users' grants it is not used
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
	m := &Manager{transport: newTokenTransport(), owner: rand.Text(), registered: map[string]*registered{}}
	m.tokens.entries, m.tokens.logins = map[tokenKey]*entry{}, map[loginName]*login{}
	for _, o := range options {
		if o != nil {
			o.apply(m)
		}
	}
	if m.store == nil {
		m.store = NewMemoryStore(0)
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
		if m.registered[r.ID] != nil {
			faults = append(faults, fmt.Errorf("authtrip: registration %q is given twice", r.ID))
		}
		if c.TokenTransport == nil {
			c.TokenTransport = m.transport
		}
		if breakers[c.server] == nil {
			breakers[c.server] = newBreaker(c.server, m.policy, m.hooks.CircuitChanged)
		}
		reg := &registered{client: c, breaker: breakers[c.server], scopes: sortedSet(c.Scopes)}
		reg.own = &entry{manager: m, client: c, breaker: reg.breaker, scopes: c.Scopes, flightKey: tokenKey{registration: c.ID}.text()}
		m.registered[r.ID] = reg
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	return m, nil
}

// Source returns a handle on the token of one registration; for a user's grant
// that of the principal "", for programs that have one user. For an unknown id
// the error lists the known ones.
func (m *Manager) Source(id string) (*Source, error) {
	reg, err := m.registration(id)
	if err != nil {
		return nil, err
	}
	return &Source{manager: m, registered: reg}, nil
}

// SourceFor returns a handle on one user's token. The principal names the user
// in the Store: any string that stays the same, such as an account's number. A
// registration for client credentials has no users: that is an error.
func (m *Manager) SourceFor(id, principal string) (*Source, error) {
	reg, err := m.registration(id)
	if err != nil {
		return nil, err
	}
	if !reg.client.Grant.ofUsers() {
		return nil, reg.own.fail(fmt.Errorf("its grant is %s, whose token is the client's and no user's: use Source", reg.client.Grant))
	}
	return &Source{manager: m, registered: reg, principal: principal}, nil
}

func (m *Manager) registration(id string) (*registered, error) {
	if m == nil || m.cancel == nil {
		return nil, errNoManager
	}
	if reg, ok := m.registered[id]; ok {
		return reg, nil
	}
	return nil, fmt.Errorf("authtrip: no registration %q; there are: %s", id, m.ids())
}

// ids lists the registrations, the first of them when there are many.
func (m *Manager) ids() string {
	const most = 20
	var ids []string
	for _, id := range slices.Sorted(maps.Keys(m.registered)) {
		if len(ids) == most {
			ids = append(ids, fmt.Sprintf("and %d more", len(m.registered)-most))
			break
		}
		ids = append(ids, fmt.Sprintf("%q", id))
	}
	return strings.Join(ids, ", ")
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

// entryFor implements [Authorizer]: the context chooses, and with one
// registration there is no choice.
func (m *Manager) entryFor(ctx context.Context) (*entry, error) {
	if m == nil || m.cancel == nil {
		return nil, errNoManager
	}
	c := choiceOf(ctx)
	var reg *registered
	switch {
	case c.registration != "":
		var err error
		if reg, err = m.registration(c.registration); err != nil {
			return nil, err
		}
	case len(m.registered) > 1:
		return nil, fmt.Errorf("authtrip: the Manager has several registrations and the request chooses none: use WithRegistration, or a Source of one: %s", m.ids())
	default:
		for _, reg = range m.registered {
		}
	}
	if m.closed() {
		return nil, reg.own.fail(ErrClosed)
	}
	return m.entryOf(reg, c.principal, c.scopes)
}
