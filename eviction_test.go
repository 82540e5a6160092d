package authtrip

import (
	"fmt"
	"testing"
)

func TestWhenFullATenthGoesAndNoMore(t *testing.T) {
	m, a, _ := users(t, 100)
	fewest := 100
	for i := range 1000 {
		m.mustHave(t, a, fmt.Sprint(i))
		n := m.tokens.entries.entries
		if i >= 99 {
			fewest = min(fewest, n)
		}
		if n > 100 || fewest < 90 {
			t.Fatalf("%d of 100 are left", n)
		}
	}
	if fewest > 91 {
		t.Fatalf("%d were left at least: it is gone through for each that comes", fewest)
	}
}

// Those in use are not counted among those that go, though they have no token.
func TestThoseInUseKeepNobodyFromBeingEvicted(t *testing.T) {
	m, a, _ := users(t, 20)
	for i := range 10 {
		m.mustHave(t, a, fmt.Sprint(i)).pinned()
	}
	m.fill(t, a, 0)
	if n := m.tokens.entries.entries; n > 20 {
		t.Fatalf("%d are kept, want 20", n)
	}
	for i := range 10 {
		if e := m.tokens.find(a, fmt.Sprint(i), nil); e == nil || e.pins.Load() != 1 {
			t.Fatal("one in use was evicted")
		}
	}
}

// Expired ones go before others, whenever they were used, and of the others
// those that were used least recently.
func TestTheLeastUsefulGoFirst(t *testing.T) {
	m, a, _ := users(t, 30)
	now := readClocks()
	for i := range 30 {
		e := m.mustHave(t, a, fmt.Sprint(i))
		tok := e.give("t")
		if i >= 20 { // expired, and used last
			tok.usableFor, tok.freshFor = -1, -1
		}
		tok.used.Store(now.mono + int64(i*7%20)*1000 + int64(i/20)*1_000_000)
	}
	for i := range 20 { // 3 are lost for each that comes into the full
		m.mustHave(t, a, fmt.Sprint("new-", i)).give("t").used.Store(now.mono + 1_000_000_000)
		for x := range 20 {
			for y := range 20 {
				if x*7%20 < y*7%20 && m.tokens.find(a, fmt.Sprint(x), nil) != nil && m.tokens.find(a, fmt.Sprint(y), nil) == nil {
					t.Fatalf("%d went, and %d, which was used before, stays", y, x)
				}
			}
			for y := 20; y < 30; y++ {
				if m.tokens.find(a, fmt.Sprint(x), nil) == nil && m.tokens.find(a, fmt.Sprint(y), nil) != nil {
					t.Fatalf("%d went, and %d, which has expired, stays", x, y)
				}
			}
		}
	}
}

// The list for other scopes loses those that go, and no others.
func TestWhoIsEvictedIsTakenOffTheListAlone(t *testing.T) {
	m, a, _ := users(t, 6)
	stays := m.mustHave(t, a, "ann", "b").pinned()
	goes := m.mustHave(t, a, "ann", "q")
	m.fill(t, a, 0)
	list := m.tokens.scoped[stays.loginName()]
	if len(list) != 1 || list[0] != stays || goes.pins.Load() >= 0 {
		t.Fatalf("%d are listed, want the one that stays", len(list))
	}
	stays.give("t")
	m.forget(a, "ann", nil)
	if stays.current.Load() != nil {
		t.Fatal("it is not found by who forgets")
	}
}

func TestALoginIsThereForAsLongAsItIsBorrowed(t *testing.T) {
	m, a, _ := users(t, 10)
	one, other := m.mustHave(t, a, "ann").pinned(), m.mustHave(t, a, "ann", "b").pinned()
	bob := m.mustHave(t, a, "bob").pinned()
	l := one.borrowLogin()
	if other.borrowLogin() != l || bob.borrowLogin() == l {
		t.Fatal("two of one principal have two logins, or two principals one")
	}
	l.paid(loginID("the login"))
	l.giveBack(one)
	if one.borrowLogin() != l {
		t.Fatal("somebody has it, and it is gone")
	}
	l.giveBack(one)
	l.owe(&change{})
	l.giveBack(other)
	if again := one.borrowLogin(); again != l {
		t.Fatal("it owes the Store something, and it is gone")
	}
	l.paid(loginID("the login"))
	l.giveBack(one)
	if m.tokens.logins[one.loginName()] != nil {
		t.Fatal("nobody has it, it owes nothing, and it is still there")
	}
	if again := one.borrowLogin(); again == l || again.seen.Load() != loginID("the login") {
		t.Fatal("which login the Store had last is forgotten")
	}
	if loginID("") != 0 || loginID("a") == loginID("b") || loginID("a") == 0 {
		t.Fatal("none has a name, or two have one")
	}
}

// Of a client's own tokens there may be many scopes, and no login needs them.
func TestOtherScopesOfAClientStandInNoList(t *testing.T) {
	m, err := NewManager([]Registration{{
		ID: "a", ClientID: "id", ClientSecret: NewSecret("secret"), TokenEndpoint: Endpoint{URL: "https://auth.example/token"},
	}}, Policy{MaxTokens: 10})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	for i := range 30 {
		if _, err := m.entryOf(&m.clients[0], idHash("a"), "", []string{fmt.Sprint("scope-", i)}); err != nil {
			t.Fatal(err)
		}
	}
	if len(m.tokens.scoped) != 0 || m.tokens.entries.entries > 10 {
		t.Fatalf("%d lists, %d entries", len(m.tokens.scoped), m.tokens.entries.entries)
	}
}
