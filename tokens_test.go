package authtrip

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// users is a Manager of two registrations that differ in nothing but their
// names, with room for some tokens.
func users(t *testing.T, room int) (m *Manager, a, b *client) {
	t.Helper()
	r := Registration{
		ID: "a", ClientID: "id", ClientSecret: NewSecret("secret"), Grant: AuthorizationCode, Scopes: []string{"z", "b"},
		TokenEndpoint: Endpoint{URL: "https://auth.example/token"},
	}
	other := r
	other.ID = "b"
	m, err := NewManager([]Registration{r, other}, Policy{MaxTokens: room})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m, m.client("a", idHash("a")), m.client("b", idHash("b"))
}

func (m *Manager) mustHave(t *testing.T, c *client, principal string, scopes ...string) *entry {
	t.Helper()
	e, err := m.entryOf(c, idHash(c.ID), principal, scopes)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// fill makes other entries until all that may be evicted are.
func (m *Manager) fill(t *testing.T, c *client, from int) {
	t.Helper()
	for i := range 2 * m.policy.MaxTokens {
		m.mustHave(t, c, fmt.Sprint("filler-", from+i)).give("t")
	}
}

// give is a token call's answer.
func (e *entry) give(token string) *issued {
	return e.received(0, readClocks(), &tokenReply{token: token, lifetime: forever}, false).token
}

func TestEachKeyHasOneEntryOfItsOwn(t *testing.T) {
	m, a, b := users(t, 100)
	seen := map[*entry]string{}
	for _, c := range []*client{a, b} {
		for _, principal := range []string{"", "ann", "bob"} {
			for _, scopes := range [][]string{nil, {"b"}, {"z"}, {"b", "q"}} {
				key := fmt.Sprint(c.ID, principal, scopes)
				e := m.mustHave(t, c, principal, scopes...)
				if seen[e] != "" {
					t.Errorf("%s has the entry of %s", key, seen[e])
				}
				seen[e] = key
				m.tokens.mu.Lock()
				again := m.entryAnew(c, principal, scopes) // by who looked at the same moment
				m.tokens.mu.Unlock()
				if again != e || m.mustHave(t, c, principal, scopes...) != e {
					t.Errorf("%s has two entries", key)
				}
			}
			if m.mustHave(t, c, principal, "b", "z") != m.mustHave(t, c, principal) {
				t.Error("the registration's own scopes are others")
			}
		}
	}
}

// Two keys may have one hash.
func TestAHashIsNotTakenForAKey(t *testing.T) {
	m, a, b := users(t, 100)
	for _, c := range []*client{a, b} {
		for _, principal := range []string{"ann", "bob"} {
			for _, scopes := range [][]string{nil, {"b"}, {"q"}} {
				for _, other := range []*entry{
					{client: a, principal: "ann"}, {client: b, principal: "bob"}, {client: a, principal: "bob"}, {client: b, principal: "ann"},
					{client: a.scopedTo([]string{"b"}), principal: "ann"}, {client: b.scopedTo([]string{"q"}), principal: "bob"},
				} {
					m.tokens.entries.add(keyHash(idHash(c.ID), principal, scopes), other)
				}
				e := m.tokens.find(c, principal, scopes)
				if e != nil && (e.client.ID != c.ID || e.principal != principal || fmt.Sprint(e.client.asked()) != fmt.Sprint(scopes) && scopes != nil || scopes == nil && e.client != c) {
					t.Errorf("%s, %s, %v: it is %s, %s, %v", c.ID, principal, scopes, e.client.ID, e.principal, e.client.asked())
				}
			}
		}
	}
}

func TestWhoHoldsAnEvictedEntryGetsTheOneInItsPlace(t *testing.T) {
	m, a, _ := users(t, 5)
	for _, scopes := range [][]string{nil, {"b"}} {
		old := m.mustHave(t, a, "ann", scopes...)
		held := m.mustHave(t, a, "bob", scopes...).pinned()
		twice := held.pinned()
		m.fill(t, a, 0)
		twice.unpin()
		m.fill(t, a, 100)
		if m.tokens.find(a, "ann", scopes) != nil || old.pins.Load() >= 0 {
			t.Fatal("nobody has it, and it is there still")
		}
		if m.tokens.find(a, "bob", scopes) != held {
			t.Fatal("one that is pinned was evicted")
		}
		held.unpin()
		e := old.pinned()
		again := old.pinned()
		if e == old || e != again || m.mustHave(t, a, "ann", scopes...) != e || e.pins.Load() != 2 {
			t.Fatalf("who holds it has another than who asks, or it is pinned %d times", e.pins.Load())
		}
		if scopes == nil && e.client != a || scopes != nil && (e.client.scoped().from != a || e.client.asked()[0] != "b") {
			t.Fatal("it is another's")
		}
		e.unpin()
		again.unpin()
		m.fill(t, a, 200)
		if m.tokens.find(a, "bob", scopes) != nil || e.pins.Load() >= 0 {
			t.Fatal("nobody has it any more, and it stays")
		}
	}
	if n := len(m.tokens.scoped); n != 0 {
		t.Fatalf("%d are listed for other scopes, and there are none", n)
	}
}

func TestAClientsOwnEntryIsNeverEvicted(t *testing.T) {
	_, a, _ := users(t, 5)
	if a.own.pinned() != &a.own || a.own.pins.Load() != 0 {
		t.Fatal("it is pinned, or replaced")
	}
	a.own.unpin()
	if a.own.pins.Load() != 0 {
		t.Fatal("it is unpinned")
	}
}

// While somebody has an entry pinned it is the one that all find.
func TestI02_WhoIsPinnedIsFoundByAll(t *testing.T) {
	m, a, _ := users(t, 1)
	first := m.mustHave(t, a, "ann")
	var stop atomic.Bool
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 3000 {
				e := first.pinned()
				if got := m.tokens.find(a, "ann", nil); got != e {
					t.Error("another is found, or none")
				}
				e.unpin()
			}
			stop.Store(true)
		})
	}
	for i := 0; !stop.Load(); i++ {
		m.mustHave(t, a, fmt.Sprint(i%50))
	}
	all.Wait()
}

// Forgetting a principal's tokens goes through a list that others change.
func TestForgettingBesideEvictionIsSafe(t *testing.T) {
	m, a, _ := users(t, 8)
	var stop atomic.Bool
	var all sync.WaitGroup
	all.Go(func() {
		for i := range 3000 {
			m.mustHave(t, a, "ann", fmt.Sprint(i%20))
		}
		stop.Store(true)
	})
	for !stop.Load() {
		m.forget(a, "ann", nil)
	}
	all.Wait()
}

func TestForgettingAPrincipalForgetsEveryScopeAndNobodyElse(t *testing.T) {
	m, a, b := users(t, 100)
	give := func(e *entry) *entry {
		e.give("t")
		e.note().failure.err = errPaused
		return e
	}
	gone := []*entry{give(m.mustHave(t, a, "ann")), give(m.mustHave(t, a, "ann", "b")), give(m.mustHave(t, a, "ann", "q"))}
	kept := []*entry{give(m.mustHave(t, a, "ann", "keep")), give(m.mustHave(t, a, "bob")), give(m.mustHave(t, b, "ann")), give(m.mustHave(t, b, "ann", "b"))}
	m.forget(gone[1].client, "ann", kept[0]) // whichever entry asks for it
	for _, e := range gone {
		if e.current.Load() != nil || e.history.failure.err != nil {
			t.Errorf("a token for %v stays", e.client.Scopes)
		}
	}
	for _, e := range kept {
		if e.current.Load() == nil || e.history.failure.err == nil {
			t.Errorf("that of %s at %s for %v is forgotten too", e.principal, e.client.ID, e.client.Scopes)
		}
	}
}

// The hash that a Source has is that of its key: else it would find its entry
// under the lock only.
func TestASourceFindsItsEntryByItsHash(t *testing.T) {
	m, a, _ := users(t, 10)
	for _, principal := range []string{"", "ann"} {
		src, err := m.SourceFor(a.ID, principal)
		if err != nil {
			t.Fatal(err)
		}
		e := m.mustHave(t, a, principal)
		if got := m.tokens.findBy(src.hash, a, principal, nil); got != e {
			t.Errorf("%q: found %v", principal, got)
		}
	}
	src, err := m.Source(a.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got := m.tokens.findBy(src.hash, a, "", nil); got != m.mustHave(t, a, "") {
		t.Errorf("the Source of a registration found %v", got)
	}
}
