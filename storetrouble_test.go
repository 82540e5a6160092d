package authtrip_test

import (
	"context"
	"encoding/base64"
	"errors"
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
				src := of(t, s.manager(t, authtrip.WithPlaintextStore(store), authtrip.Hooks{StoreFailed: func(string, error) {
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
		m := s.manager(t, authtrip.WithPlaintextStore(store), authtrip.Hooks{StoreFailed: func(_ string, err error) { told = append(told, err) }})
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
		src := of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann")
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

// A driver that prints the row has it even where this process has not.
func TestI14_AStoresErrorThatRepeatsARowItCouldNotGiveShowsNoToken(t *testing.T) {
	const row = `{"form":1,"login":"L","refresh_token":"rt-CANARY-0123456789","access_token":"at-CANARY","untold":[{"token":"CANARY","hint":""}]}`
	for name, written := range map[string]string{
		"as it is": row, "quoted": fmt.Sprintf("%q", row), "in hex": fmt.Sprintf("\\x%x", row), "in HEX": fmt.Sprintf("%X", row),
		"as bytes": fmt.Sprint([]byte(row)), "in base64": base64.StdEncoding.EncodeToString([]byte(row)),
		"twice": row + " and " + row, "in hex, twice": fmt.Sprintf("%x, was %x,", row, row), "cut in the middle": row[:len(row)-20] + `","x`,
	} {
		t.Run(name, func(t *testing.T) {
			store := newSpyStore()
			store.breakDown(func(string) error { return errors.New("scan: " + written + " is no row") })
			src := of(t, newServer().manager(t, authtrip.WithPlaintextStore(store)), "ann")
			_, err := src.Token(t.Context())
			wantAll(t, err, "scan: ")
			if !strings.HasPrefix(name, "cut") {
				wantAll(t, err, " is no row")
			}
			all := fmt.Sprintf("%v %+v", err, err)
			for _, part := range []string{"CANARY", fmt.Sprintf("%x", "CANARY"), fmt.Sprintf("%X", "CANARY"), strings.Trim(fmt.Sprint([]byte("CANARY")), "[]"), "Q0FOQVJZ", "NBTkFSW", "DQU5BUl"} {
				if strings.Contains(all, part) {
					t.Errorf("it shows a token: %s", all)
				}
			}
		})
	}
}
