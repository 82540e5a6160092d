package authtrip_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
)

func TestI17_ARefusedTokenThatTheStoreKeepsIsNotSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		m := s.manager(t, authtrip.WithStore(store))
		src := of(t, m, "ann")
		s.login(t, src, "ann")
		s.endAll()
		s.befall(nil, atCall(func() {
			store.breakDown(func(op string) error {
				if op == "save" {
					return errors.New("read only")
				}
				return nil
			})
		}))
		settle(time.Hour)
		for range 5 {
			if _, err := s.whoami(t.Context(), src); !errors.Is(err, authtrip.ErrAuthorizationRequired) {
				t.Fatalf("%v, want ErrAuthorizationRequired", err)
			}
		}
		if s.callCount() != 2 {
			t.Fatalf("%d calls, want one that found out", s.callCount())
		}
	})
}

func TestI17_WhatTheStoreRefusesIsUsedAndSavedLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		var told atomic.Int32
		m := s.manager(t, authtrip.WithStore(store), authtrip.Hooks{StoreFailed: func(id string, err error) {
			told.Add(1)
			if id != "users" || strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), "CANARY") {
				t.Errorf("told %q, %#v", id, err)
			}
		}})
		src := of(t, m, "ann")
		s.login(t, src, "ann")
		s.endAccess()
		settle(2 * time.Minute)
		// The Store breaks while the call is under way: after the intent.
		s.befall(nil, atCall(func() {
			store.breakDown(func(string) error { return errors.New("disk full of " + s.live("ann")) })
		}))
		s.mustBe(t, src, "ann")
		if told.Load() != 1 || strings.Contains(store.holds("ann"), s.live("ann")) {
			t.Fatalf("told %d times, the Store holds %s", told.Load(), store.holds("ann"))
		}
		// It stays down: every use tries, a second apart, and nobody waits.
		for range 100 {
			start := time.Now()
			s.mustBe(t, src, "ann")
			if time.Since(start) != 0 {
				t.Fatalf("a request waited %v for the Store", time.Since(start))
			}
			settle(100 * time.Millisecond)
		}
		if n := told.Load(); n < 9 || n > 20 {
			t.Fatalf("told %d times in 10 s, want a few more than 10", n)
		}
		// It is back: the next use saves.
		store.breakDown(nil)
		settle(time.Second)
		s.mustBe(t, src, "ann")
		synctest.Wait()
		if !strings.Contains(store.holds("ann"), s.live("ann")) {
			t.Fatalf("the Store holds %s, the live token is %s", store.holds("ann"), s.live("ann"))
		}
		// From then on the token is fresh: it costs the Store nothing.
		saves := store.saves
		for range 100 {
			s.mustBe(t, src, "ann")
		}
		synctest.Wait()
		if store.saves != saves || s.callCount() != 2 {
			t.Fatalf("%d saves and %d calls more", store.saves-saves, s.callCount()-2)
		}
	})
}

func TestI17_AnUnsavedPairIsRenewedInTimeOnceItIsSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		m := s.manager(t, authtrip.WithStore(store))
		src := of(t, m, "ann")
		s.befall(nil, atCall(func() { store.breakDown(func(string) error { return errors.New("down") }) }))
		s.login(t, src, "ann")
		s.befall(nil, nil)
		settle(10 * time.Minute)
		s.mustBe(t, src, "ann") // and fails to save
		store.breakDown(nil)
		settle(time.Minute)
		s.mustBe(t, src, "ann") // and saves
		settle(20 * time.Minute)
		s.mustBe(t, src, "ann") // 31 minutes old: fresh
		synctest.Wait()
		if s.callCount() != 1 {
			t.Fatalf("renewed too early: %d calls", s.callCount())
		}
		settle(15 * time.Minute) // 46: stale
		s.mustBe(t, src, "ann")
		synctest.Wait()
		if s.callCount() != 2 {
			t.Fatalf("not renewed: %d calls", s.callCount())
		}
	})
}

func TestI17_ASharedRefreshTokenIsNotRedeemedWithoutItsStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		m := s.manager(t, authtrip.WithStore(store))
		src := of(t, m, "ann")
		s.login(t, src, "ann")
		store.breakDown(func(op string) error { return errors.New("down for " + op) })
		settle(59 * time.Minute)
		s.mustBe(t, src, "ann") // the access token is still good
		settle(time.Minute)
		if _, err := s.whoami(t.Context(), src); err == nil || !strings.Contains(err.Error(), "the Store: down for load") {
			t.Fatalf("%v, want the Store's error", err)
		}
		store.breakDown(func(op string) error {
			if op == "save" {
				return errors.New("read only")
			}
			return nil
		})
		if _, err := s.whoami(t.Context(), src); err == nil || !strings.Contains(err.Error(), "the Store: read only") {
			t.Fatalf("%v, want the Store's error", err)
		}
		if s.callCount() != 1 {
			t.Fatalf("%d calls, want only the first", s.callCount())
		}
		store.breakDown(nil)
		s.mustBe(t, src, "ann")
	})
}
