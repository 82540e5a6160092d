package authtrip_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
)

// A hook is code of others, wherever it is called from.
func TestI02_AHookThatBreaksDoesNotKeepALoginFromBeingSaved(t *testing.T) {
	for name, breaks := range map[string]func(){"panics": func() { panic("in the hook") }, "exits": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, store := newServer(), newSpyStore()
				var told atomic.Int32
				src := of(t, s.manager(t, authtrip.WithStore(store), authtrip.Hooks{StoreFailed: func(string, error) {
					told.Add(1)
					breaks()
				}}), "ann")
				s.befall(nil, atCall(func() { store.breakDown(down) }))
				s.login(t, src, "ann")
				settle(5 * time.Second)
				s.mustBe(t, src, "ann")
				synctest.Wait()
				if told.Load() < 3 {
					t.Fatalf("told %d times", told.Load())
				}
				store.breakDown(nil)
				settle(5 * time.Second)
				if !strings.Contains(store.holds("ann"), s.live("ann")) {
					t.Fatalf("the Store holds %s", store.holds("ann"))
				}
			})
		})
	}
}

// Some Stores repeat in an error what they were given.
func TestI14_AStoresErrorThatRepeatsTheRecordShowsNoToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), &echoStore{Store: authtrip.NewMemoryStore(0)}
		s.reply = func(f map[string]any) { f["refresh_token"] = "r&f<t>CANARY" }
		var told []error
		m := s.manager(t, authtrip.WithStore(store), authtrip.Hooks{StoreFailed: func(_ string, err error) { told = append(told, err) }})
		src := of(t, m, "ann")
		s.befall(nil, atCall(func() { store.echo.Store(true) }))
		s.login(t, src, "ann")
		told = append(told, src.Revoke(t.Context()), m.Close())
		if len(told) < 3 {
			t.Fatalf("told of %v", told)
		}
		for _, err := range told {
			wantAll(t, err, "is too long")
			if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, "CANARY") {
				t.Errorf("it shows a token: %s", text)
			}
		}
	})
}

type echoStore struct {
	authtrip.Store
	echo atomic.Bool
}

func (s *echoStore) Save(ctx context.Context, key string, value []byte, version string, lifetime time.Duration) (string, error) {
	if s.echo.Load() {
		return "", fmt.Errorf("value %s is too long for type varchar", value)
	}
	return s.Store.Save(ctx, key, value, version, lifetime)
}

func TestI17_ARecordThatCannotBeReadIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		src := of(t, s.manager(t, authtrip.WithStore(store)), "ann")
		for _, bad := range []string{"", "CANARY", `{"form":2,"refresh_token":"CANARY"}`, `[]`} {
			store.replaceWith(t, "ann", bad)
			_, err := s.whoami(t.Context(), src)
			if err == nil || strings.Contains(err.Error(), "CANARY") || !strings.Contains(err.Error(), "cannot be read") {
				t.Fatalf("%q: %v", bad, err)
			}
			if err := src.ExchangeCode(t.Context(), s.code("ann"), nil); err == nil || s.callCount() != 0 {
				t.Fatalf("%q was overwritten", bad)
			}
			if got := store.holds("ann"); got != bad {
				t.Fatalf("%q became %q", bad, got)
			}
		}
	})
}
