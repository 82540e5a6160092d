package authtrip_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
)

// An encrypted Store shares tokens as another does. A token that cannot be
// opened is told of and gotten anew.
func TestAFleetSharesSealedTokens(t *testing.T) {
	inFleet(t, 0, func(t *testing.T, f *fleet) {
		var mu sync.Mutex
		var told []error
		join := func(key byte) *member {
			return f.join(authtrip.WithStore(f.store), sealedBy(key), authtrip.Hooks{StoreFailed: func(_ string, err error) {
				mu.Lock()
				defer mu.Unlock()
				told = append(told, err)
			}})
		}
		one, two := join(1), join(1)
		one.mustGet()
		two.mustGet()
		f.wantTokenCalls(1)
		synctest.Wait()
		tok, err := one.src.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		key, value, version := f.store.only(t, "")
		if strings.Contains(value, tok.AccessToken()) || strings.Contains(key, "nhn") {
			t.Fatalf("the Store has %q under %q", value, key)
		}
		for n, bad := range []string{"", "garbage", value[:len(value)-1], value[:20] + "\x00" + value[21:]} {
			if _, err := f.store.Store.Save(t.Context(), key, []byte(bad), version, 0); err != nil {
				t.Fatal(err)
			}
			join(1).mustGet()
			synctest.Wait()
			f.wantTokenCalls(2 + n)
			if len(told) != n+1 || !strings.Contains(told[n].Error(), "cannot be read") {
				t.Fatalf("told %v", told)
			}
			if _, _, version = f.store.only(t, ""); version == "" {
				t.Fatal("it was not written anew")
			}
		}
		calls := f.srv.Counts().TokenCalls
		join(1).mustGet()
		f.wantTokenCalls(calls)
		join(2).mustGet() // another key: other names, another fleet
		f.wantTokenCalls(calls + 1)
	})
}

// What a Store's error does when it is looked into is its own matter.
func TestI02_AStoresErrorThatPanicsHarmsNobody(t *testing.T) {
	inFleet(t, 2, func(t *testing.T, f *fleet) {
		f.store.breakDown(func(string) error { return bombError{} })
		f.mustGetAll()
		settle(time.Minute)
		f.mustGetAll()
	})
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		src := of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann")
		s.login(t, src, "ann")
		settle(time.Hour)
		store.breakDown(func(string) error { return bombError{} })
		if _, err := src.Token(t.Context()); err == nil {
			t.Fatal("no error")
		}
		store.breakDown(nil)
		s.mustBe(t, src, "ann")
	})
}

type bombError struct{}

func (bombError) Error() string   { panic("in Error") }
func (bombError) Is(error) bool   { panic("in Is") }
func (bombError) As(any) bool     { panic("in As") }
func (bombError) Unwrap() []error { return []error{errors.New("x")} }
