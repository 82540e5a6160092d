package authtrip

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
)

// tokens are the access tokens of a Manager that are not a client's own: those
// of principals, and for other scopes. There may be any number of them, so that
// some are forgotten.
type tokens struct {
	mu      sync.RWMutex
	entries map[tokenKey]*entry  // guarded by mu
	logins  map[loginName]*login // guarded by mu; those that entries have
}

type loginName struct{ registration, principal string }

// entryOf returns the entry of a token, pinned: the caller must unpin it.
func (m *Manager) entryOf(reg *registered, principal string, scopes []string) (*entry, error) {
	if err := checkScopes(scopes); err != nil {
		return nil, reg.own.fail(fmt.Errorf("WithScopes: %w", err))
	}
	if scopes != nil && slices.Equal(scopes, reg.scopes) {
		scopes = nil
	}
	if !reg.client.Grant.ofUsers() {
		if scopes == nil {
			return reg.own, nil
		}
		principal = ""
	}
	key := tokenKey{reg.client.ID, principal, strings.Join(scopes, " ")}
	m.tokens.mu.RLock()
	e := m.tokens.entries[key]
	if e != nil {
		e.pins.Add(1)
	}
	m.tokens.mu.RUnlock()
	if e != nil {
		return e, nil
	}
	return m.newToken(reg, key, scopes), nil
}

func (m *Manager) newToken(reg *registered, key tokenKey, scopes []string) *entry {
	m.tokens.mu.Lock()
	defer m.tokens.mu.Unlock()
	e := m.tokens.entries[key]
	if e == nil {
		m.evict()
		e = &entry{
			manager: m, client: reg.client, breaker: reg.breaker, flightKey: key.text(),
			key: key, evictable: true, scopes: reg.client.Scopes,
		}
		if scopes != nil {
			e.scopes, e.scoped = scopes, true
		}
		if reg.client.Grant.ofUsers() {
			e.login = m.login(reg.client, key.principal)
			e.login.entries = append(e.login.entries, e)
		}
		m.tokens.entries[key] = e
	}
	e.pins.Add(1)
	return e
}

// login returns what a principal granted. tokens.mu is held.
func (m *Manager) login(c *client, principal string) *login {
	name := loginName{c.ID, principal}
	l := m.tokens.logins[name]
	if l == nil {
		l = &login{manager: m, client: c, principal: principal, key: loginKey(c.ID, principal), turn: make(chan struct{}, 1)}
		m.tokens.logins[name] = l
	}
	return l
}

// pinForFlight returns e pinned, or the entry that stands in its place: e may
// have been evicted if the caller that began the flight has left already.
func (m *Manager) pinForFlight(e *entry) *entry {
	if !e.evictable {
		return e
	}
	var scopes []string
	if e.scoped {
		scopes = e.scopes
	}
	return m.newToken(m.registered[e.client.ID], e.key, scopes)
}

// unpin lets go of an entry, which may be evicted from then on.
func (e *entry) unpin() {
	if e.evictable {
		e.pins.Add(-1)
	}
}

// evict makes room for one more entry: when there are as many as the policy
// allows, a tenth of them go, the expired first, then those that were used
// least recently. Those in use stay, and those whose login is not saved.
// tokens.mu is held.
func (m *Manager) evict() {
	limit := m.policy.MaxTokens
	if len(m.tokens.entries) < limit {
		return
	}
	type candidate struct {
		*entry
		used int64
	}
	now := readClocks()
	var idle []candidate
	for _, e := range m.tokens.entries {
		if e.pins.Load() > 0 || e.login != nil && e.login.hasOwed.Load() {
			continue
		}
		used := e.used.Load()
		if t := e.current.Load(); t == nil || !t.usable(now) {
			used = math.MinInt64
		}
		idle = append(idle, candidate{e, used})
	}
	slices.SortFunc(idle, func(a, b candidate) int { return cmp.Compare(a.used, b.used) })
	for _, c := range idle[:min(len(idle), len(m.tokens.entries)-limit+1+limit/10)] {
		delete(m.tokens.entries, c.key)
		if l := c.login; l != nil {
			l.entries = slices.DeleteFunc(l.entries, func(e *entry) bool { return e == c.entry })
			if len(l.entries) == 0 {
				delete(m.tokens.logins, loginName{c.client.ID, l.principal})
			}
		}
	}
}

// forget drops the access tokens of a login, whatever their scopes, but keep's,
// and with them what is remembered of failures.
func (m *Manager) forget(l *login, keep *entry) {
	m.tokens.mu.RLock()
	of := slices.Clone(l.entries)
	m.tokens.mu.RUnlock()
	for _, e := range of {
		if e != keep {
			e.forget()
		}
	}
}

// fingerprint stands for all that shapes an access token besides the principal.
func (e *entry) fingerprint() string {
	sum := sha256.New()
	for _, part := range []string{
		e.client.TokenEndpoint.URL, e.client.ClientID, strings.Join(sortedSet(e.scopes), " "), e.client.Params.Encode(),
	} {
		_, _ = fmt.Fprintf(sum, "%d:%s,", len(part), part)
	}
	return hex.EncodeToString(sum.Sum(nil))
}
