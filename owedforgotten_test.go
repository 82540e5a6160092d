package authtrip_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
)

// What is owed is saved behind a goroutine at first, and then behind requests.
// Either leaves nothing when the Store has taken it.
func TestI17_WhoeverSavesWhatIsOwedLeavesNothing(t *testing.T) {
	for name, c := range map[string]struct{ down, request time.Duration }{
		"soon":            {5 * time.Second, 0},
		"behind requests": {time.Minute, 61 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, store := newServer(), newSpyStore()
				m := s.manager(t, authtrip.Policy{MaxTokens: 3}, authtrip.WithPlaintextStore(store))
				src := of(t, m, "ann")
				s.login(t, src, "ann")
				settle(time.Hour)
				s.befall(nil, atCall(func() { store.breakDown(down) }))
				s.mustBe(t, src, "ann")
				if _, _, logins, _ := authtrip.Kept(m); logins != 1 {
					t.Fatalf("%d logins are kept, want the one that owes", logins)
				}
				settle(c.down)
				store.breakDown(nil)
				if c.request != 0 {
					settle(c.request)
					s.mustBe(t, src, "ann")
					s.mustBe(t, src, "ann")
				}
				settle(10 * time.Second)
				if !strings.Contains(store.holds("ann"), `"`+s.live("ann")+`"`) {
					t.Fatalf("the Store holds %s", store.holds("ann"))
				}
				s.mustBe(t, src, "ann")
				settle(time.Second)
				if _, _, logins, pins := authtrip.Kept(m); logins != 0 || pins != 0 {
					t.Fatalf("%d logins and %d pins are left", logins, pins)
				}
				s.befall(nil, nil)
				for i := range 5 { // nothing keeps it from being forgotten now
					settle(time.Second)
					s.login(t, of(t, m, fmt.Sprint(i)), fmt.Sprint(i))
				}
				store.breakDown(down)
				if _, err := s.whoami(t.Context(), src); err == nil {
					t.Fatal("it was not forgotten")
				}
				store.breakDown(nil)
				s.mustBe(t, src, "ann")
			})
		})
	}
}

// While the Store is down a token whose login it has not taken is nowhere else,
// so that others do not push it out.
func TestI18_ATokenWhoseLoginIsOwedServesWhileTheStoreIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		m := s.manager(t, authtrip.Policy{MaxTokens: 3}, authtrip.WithPlaintextStore(store))
		src := of(t, m, "ann")
		s.login(t, src, "ann")
		settle(time.Hour)
		others := []string{"bob", "cid"}
		for _, who := range others {
			s.login(t, of(t, m, who), who)
		}
		s.befall(nil, atCall(func() { store.breakDown(down) }))
		s.mustBe(t, src, "ann")
		settle(time.Second)
		for _, who := range others { // used since
			s.mustBe(t, of(t, m, who), who)
		}
		for i := range 20 {
			settle(time.Second)
			_, _ = of(t, m, fmt.Sprint(i)).Token(t.Context()) // which fails, and is an entry
		}
		s.mustBe(t, src, "ann")
	})
}

// A logout of somebody who was never logged in owes nothing.
func TestI17_ALogoutOfNobodyOwesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		m := s.manager(t, authtrip.WithPlaintextStore(store))
		src := of(t, m, "ann")
		if _, err := src.Token(t.Context()); err == nil {
			t.Fatal("nobody is logged in")
		}
		store.breakDown(down)
		_ = src.Revoke(t.Context())
		if _, _, logins, pins := authtrip.Kept(m); logins != 0 || pins != 0 {
			t.Fatalf("%d logins and %d pins are kept", logins, pins)
		}
	})
}
