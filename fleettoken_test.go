package authtrip

import (
	"testing"
	"time"
)

func TestATokenThatIsGivenAgainEndsWhenItWasToEnd(t *testing.T) {
	const second = int64(time.Second / time.Millisecond)
	for name, c := range map[string]struct{ found, next, want fleetToken }{
		"the server gives the whole lifetime again": {
			fleetToken{AccessToken: "a", SentAt: 1000 * second, Lifetime: 100 * second},
			fleetToken{AccessToken: "a", SentAt: 1060 * second, Lifetime: 100 * second},
			fleetToken{AccessToken: "a", SentAt: 1060 * second, Lifetime: 40 * second},
		},
		"and now knows none": {
			fleetToken{AccessToken: "a", SentAt: 1000 * second, Lifetime: 100 * second},
			fleetToken{AccessToken: "a", SentAt: 1060 * second},
			fleetToken{AccessToken: "a", SentAt: 1060 * second, Lifetime: 40 * second},
		},
		"or what is left": {
			fleetToken{AccessToken: "a", SentAt: 1000 * second, Lifetime: 100 * second},
			fleetToken{AccessToken: "a", SentAt: 1060 * second, Lifetime: 39 * second},
			fleetToken{AccessToken: "a", SentAt: 1060 * second, Lifetime: 39 * second},
		},
		"after its end": {
			fleetToken{AccessToken: "a", SentAt: 1000 * second, Lifetime: 100 * second},
			fleetToken{AccessToken: "a", SentAt: 1100 * second, Lifetime: 100 * second},
			fleetToken{AccessToken: "a", SentAt: 1100 * second, Lifetime: 100 * second},
		},
		"it is another": {
			fleetToken{AccessToken: "a", SentAt: 1000 * second, Lifetime: 100 * second, Rejected: true},
			fleetToken{AccessToken: "b", SentAt: 1060 * second, Lifetime: 100 * second},
			fleetToken{AccessToken: "b", SentAt: 1060 * second, Lifetime: 100 * second},
		},
		"the server stands by a rejected one": {
			fleetToken{AccessToken: "a", SentAt: 1000 * second, Rejected: true},
			fleetToken{AccessToken: "a", SentAt: 1060 * second, Reissued: true},
			fleetToken{AccessToken: "a", SentAt: 1060 * second, Reissued: true},
		},
	} {
		if c.next.follows(&c.found); c.next != c.want {
			t.Errorf("%s: %d ms, rejected %v", name, c.next.Lifetime, c.next.Rejected)
		}
	}
}

// Whoever has evicted an entry may not think that a token from the Store was
// used when it was asked for.
func TestATokenFromTheStoreIsUsedWhenItCame(t *testing.T) {
	clock, e := setClock(t), own(t)
	clock.pass(time.Hour)
	at := readClocks()
	clock.pass(time.Minute)
	got := e.received(0, at, &tokenReply{token: "stored", lifetime: time.Hour, stored: true}, false)
	if used := got.token.used.Load(); used != readClocks().mono {
		t.Errorf("used %v ago", time.Duration(readClocks().mono-used))
	}
}

// Between the settling of a flight and its end its token may be dropped; who
// joins it then needs another.
func TestATokenThatWasDroppedSinceIsOver(t *testing.T) {
	clock, e := setClock(t), own(t)
	got := e.received(0, readClocks(), &tokenReply{token: "a", lifetime: time.Hour}, false)
	if e.isOver(got) {
		t.Fatal("a token in use is over")
	}
	e.drop(got.token)
	if !e.isOver(got) {
		t.Fatal("a token that was dropped is not over")
	}
	clock.pass(time.Second)
	_, asOf := e.begin(need{})
	if again := e.received(asOf, readClocks(), &tokenReply{token: "b", lifetime: time.Hour}, false); e.isOver(again) {
		t.Fatal("its successor is over")
	}
}
