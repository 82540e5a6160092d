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
	entries index // read without a lock, written under mu

	mu     sync.RWMutex
	scoped map[loginName][]*entry // guarded by mu; users' entries for other scopes
	logins map[loginName]*login   // guarded by mu; those that are in use, or owe the Store something
}

type loginName struct{ registration, principal string }

// entryOf returns the entry of a token, of a client whose ID has that hash.
func (m *Manager) entryOf(c *client, hash uint64, principal string, scopes []string) (*entry, error) {
	if err := checkScopes(scopes); err != nil {
		return nil, c.own.fail(fmt.Errorf("WithScopes: %w", err))
	}
	if scopes != nil && slices.Equal(scopes, c.sortedScopes) {
		scopes = nil
	}
	if !c.users {
		if scopes == nil {
			return &c.own, nil
		}
		principal = ""
	}
	return m.entryAt(keyHash(hash, principal, scopes), c, principal, scopes), nil
}

// entryAt returns the entry whose key has that hash, and makes it if there is
// none.
func (m *Manager) entryAt(hash uint64, c *client, principal string, scopes []string) *entry {
	if e := m.tokens.findBy(hash, c, principal, scopes); e != nil {
		return e
	}
	m.tokens.mu.Lock()
	defer m.tokens.mu.Unlock()
	return m.entryAnew(c, principal, scopes)
}

func (t *tokens) find(c *client, principal string, scopes []string) *entry {
	return t.findBy(keyHash(idHash(c.ID), principal, scopes), c, principal, scopes)
}

func (t *tokens) findBy(hash uint64, c *client, principal string, scopes []string) *entry {
	return t.entries.find(hash, func(e *entry) bool {
		return e.principal == principal && e.client.is(c, scopes)
	})
}

// entryAnew returns the entry of a token, and makes it if there is none.
// tokens.mu is held.
func (m *Manager) entryAnew(c *client, principal string, scopes []string) *entry {
	if e := m.tokens.find(c, principal, scopes); e != nil {
		return e
	}
	m.evict()
	e := &entry{client: c, principal: principal}
	if scopes != nil {
		e.client = c.scopedTo(scopes)
		if c.users {
			m.tokens.scoped[e.loginName()] = append(m.tokens.scoped[e.loginName()], e)
		}
	}
	m.tokens.entries.add(keyHash(idHash(c.ID), principal, scopes), e)
	return e
}

// own reports whether e is a client's own, which is not evicted.
func (e *entry) own() bool { return e == &e.client.own }

// evicted is what pins say of an entry that was.
const evicted = math.MinInt32

// pinned returns e, or the entry that has taken its place, which is not evicted
// until it is unpinned. Whoever waits for a token, sends one, or changes what is
// known of one, has its entry pinned: what befalls the token would else be noted
// where nobody looks.
func (e *entry) pinned() *entry {
	if e.own() {
		return e
	}
	for n := e.pins.Load(); n >= 0; n = e.pins.Load() {
		if e.pins.CompareAndSwap(n, n+1) {
			return e
		}
	}
	c, scopes := e.client, []string(nil)
	if s := c.scoped(); s != nil {
		c, scopes = s.from, s.scopes
	}
	c.manager.tokens.mu.Lock()
	defer c.manager.tokens.mu.Unlock()
	e = c.manager.entryAnew(c, e.principal, scopes)
	e.pins.Add(1)
	return e
}

// unpin lets go of an entry, which may be evicted from then on.
func (e *entry) unpin() {
	if !e.own() {
		e.pins.Add(-1)
	}
}

// evict makes room for one more entry: when there are as many as the policy
// allows, a tenth of them go, the expired first, then those that were used
// least recently. Those in use stay, and those whose login is not saved.
// tokens.mu is held.
func (m *Manager) evict() {
	limit := m.policy.MaxTokens
	if m.tokens.entries.entries < limit {
		return
	}
	type candidate struct {
		*entry
		hash uint64
		used int64
	}
	now := readClocks()
	var idle []candidate
	m.tokens.entries.each(func(hash uint64, e *entry) {
		if l := m.tokens.logins[e.loginName()]; e.pins.Load() > 0 || l != nil && l.hasOwed.Load() {
			return
		}
		idle = append(idle, candidate{e, hash, e.usedAt(now)})
	})
	slices.SortFunc(idle, func(a, b candidate) int { return cmp.Compare(a.used, b.used) })
	for _, c := range idle[:min(len(idle), m.tokens.entries.entries-limit+1+limit/10)] {
		if !c.pins.CompareAndSwap(0, evicted) {
			continue
		}
		m.tokens.entries.remove(c.hash, c.entry)
		if c.client.scoped() != nil && c.client.users {
			m.unscope(c.entry)
		}
	}
}

// usedAt is when the entry was used last, as far as it is worth keeping: what is
// remembered of a failure is needed until that is over, and that a token was
// dropped for as long as the token.
func (e *entry) usedAt(now instant) int64 {
	t := e.current.Load()
	if t != nil && t.usable(now) {
		return t.used.Load()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	past := e.past()
	switch {
	case now.mono < past.failure.until, past.pause.runs(now):
		return now.mono
	case t == nil && past.dropped != nil:
		return past.dropped.used.Load()
	}
	return math.MinInt64
}

// unscope takes an entry for other scopes off their list. tokens.mu is held.
func (m *Manager) unscope(e *entry) {
	name := e.loginName()
	rest := slices.DeleteFunc(m.tokens.scoped[name], func(other *entry) bool { return other == e })
	if m.tokens.scoped[name] = rest; len(rest) == 0 {
		delete(m.tokens.scoped, name)
	}
}

func (e *entry) loginName() loginName { return loginName{e.client.ID, e.principal} }

// forget drops the access tokens of a principal, whatever their scopes, but
// keep's, and with them what is remembered of failures.
func (m *Manager) forget(c *client, principal string, keep *entry) {
	m.tokens.mu.RLock()
	of := m.entriesOf(c, principal)
	m.tokens.mu.RUnlock()
	for _, e := range of {
		if e != keep {
			e.forget()
		}
	}
}

// entriesOf are those of a principal, whatever their scopes. tokens.mu is held.
func (m *Manager) entriesOf(c *client, principal string) []*entry {
	of := slices.Clone(m.tokens.scoped[loginName{c.ID, principal}])
	if e := m.tokens.find(c.whole(), principal, nil); e != nil {
		of = append(of, e)
	}
	return of
}

// fingerprint stands for all that shapes an access token besides the principal.
func (e *entry) fingerprint() string { return e.fingerprintAs(e.client.ClientID) }

func (e *entry) fingerprintAs(clientID string) string {
	sum := sha256.New()
	for _, part := range []string{
		e.client.TokenEndpoint.URL, clientID, strings.Join(sortedSet(e.client.asked()), " "), e.client.Params.Encode(),
	} {
		_, _ = fmt.Fprintf(sum, "%d:%s,", len(part), part)
	}
	return hex.EncodeToString(sum.Sum(nil))
}
