package authtrip_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
)

// Whatever the moment at which a caller leaves, or the Manager is closed, what
// the server gave is in the Store.
func TestI17_ACallerThatLeavesLosesNothing(t *testing.T) {
	moments := map[string]func(*server, *spyStore, func()){
		"before":                    func(_ *server, _ *spyStore, leave func()) { leave() },
		"while the intent is saved": func(_ *server, st *spyStore, leave func()) { st.breakDown(once("save", 1, leave)) },
		"on the way there":          func(s *server, _ *spyStore, leave func()) { s.befall(atCall(leave), nil) },
		"on the way back":           func(s *server, _ *spyStore, leave func()) { s.befall(nil, atCall(leave)) },
		"before the save": func(s *server, st *spyStore, leave func()) {
			s.befall(nil, atCall(func() { st.breakDown(once("save", 1, leave)) }))
		},
		"after": func(*server, *spyStore, func()) {},
	}
	for name, arrange := range moments {
		for _, how := range []string{"cancels", "closes the Manager"} {
			for _, grant := range []string{"exchange", "refresh"} {
				t.Run(name+"/"+how+"/"+grant, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						s, store := newServer(), newSpyStore()
						m := s.manager(t, authtrip.WithPlaintextStore(store))
						src := of(t, m, "ann")
						calls := 1
						if grant == "refresh" {
							s.login(t, src, "ann")
							settle(time.Hour)
							calls = 2
						}
						ctx, cancel := context.WithCancel(t.Context())
						defer cancel()
						leave := func() {
							cancel()
							time.Sleep(time.Millisecond) // it is gone now
						}
						if how == "closes the Manager" {
							leave = func() {
								go func() { _ = m.Close() }()
								time.Sleep(time.Millisecond)
							}
						}
						code := s.code("ann")
						arrange(s, store, leave)
						var err error
						if grant == "exchange" {
							err = src.ExchangeCode(ctx, code, nil)
						} else {
							_, err = s.whoami(ctx, src)
						}
						if gone := name != "after"; gone != (err != nil) {
							t.Errorf("the caller got %v", err)
						}
						if want := map[string]error{"cancels": context.Canceled, "closes the Manager": authtrip.ErrClosed}[how]; err != nil && !errors.Is(err, want) {
							t.Errorf("the caller got %v, want %v", err, want)
						}
						s.befall(nil, nil)
						settle(time.Minute)
						store.breakDown(nil)

						if name != "before" && how == "cancels" && s.callCount() != calls {
							t.Fatalf("%d calls, want %d: the call goes on without its caller", s.callCount(), calls)
						}

						// Another process goes on with what the Store has.
						other := s.manager(t, authtrip.WithPlaintextStore(store))
						if grant == "exchange" && s.callCount() < calls { // nothing was sent
							s.login(t, of(t, other, "ann"), "ann")
						}
						if live := s.live("ann"); !strings.Contains(store.holds("ann"), `"`+live+`"`) {
							t.Fatalf("the Store holds %s, the live token is %s", store.holds("ann"), live)
						}
						s.mustBe(t, of(t, other, "ann"), "ann")
						if s.reuses() != 0 {
							t.Fatal("a code or refresh token was sent twice")
						}
					})
				})
			}
		}
	}
}
