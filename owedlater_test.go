package authtrip_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
)

// The Store comes back older than it was: a machine that lost its last second,
// a replica that took over. What is owed is newer than that.
func TestI17_WhatIsOwedIsSavedToAStoreThatWentBackInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		src := of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann")
		s.login(t, src, "ann")
		before := store.holds("ann")
		settle(time.Hour)
		s.mustBe(t, src, "ann") // rotated, and saved
		settle(time.Hour)
		s.befall(nil, atCall(func() { store.breakDown(down) }))
		s.mustBe(t, src, "ann") // rotated again, and owed
		s.befall(nil, nil)
		store.replaceWith(t, "ann", before)
		store.breakDown(nil)
		settle(2 * time.Hour)
		s.mustBe(t, src, "ann")
		if s.reuses() != 0 {
			t.Fatalf("%d reuses", s.reuses())
		}
	})
}

// The Store is down for longer than the intent holds, and when it is back the
// other process is asked first.
func TestI17_AnOutageLongerThanTheIntentLogsNobodyOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		one, two := of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann"), of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann")
		s.login(t, one, "ann")
		settle(time.Hour)
		s.befall(nil, atCall(func() { store.breakDown(down) }))
		s.mustBe(t, one, "ann") // owed
		settle(time.Minute)     // nobody asks one
		store.breakDown(nil)
		settle(10 * time.Second)
		s.mustBe(t, two, "ann")
		if s.reuses() != 0 {
			t.Fatalf("%d reuses", s.reuses())
		}
	})
}

// However many logins owe something to a Store that fails.
func TestI18_WhatManyLoginsOweIsOfferedOnceASecond(t *testing.T) {
	for name, trouble := range map[string]func(string) error{"down": down, "hangs": func(string) error { time.Sleep(500 * time.Millisecond); return nil }} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, store := newServer(), newSpyStore()
				var told atomic.Int64
				m := s.manager(t, authtrip.WithPlaintextStore(store), authtrip.Hooks{StoreFailed: func(string, error) { told.Add(1) }})
				const n = 200
				for i := range n {
					s.login(t, of(t, m, fmt.Sprint("u", i)), fmt.Sprint("u", i))
				}
				settle(time.Hour)
				var broken atomic.Bool
				store.breakDown(func(op string) error {
					if broken.Load() {
						return trouble(op)
					}
					return nil
				})
				done := make(chan bool, n)
				s.befall(slowly(time.Second), nil)
				for i := range n {
					go func() { s.mustBe(t, of(t, m, fmt.Sprint("u", i)), fmt.Sprint("u", i)); done <- true }()
				}
				time.Sleep(500 * time.Millisecond)
				broken.Store(true)
				for range n {
					<-done
				}
				s.befall(nil, nil)
				settle(10 * time.Second)
				ops, hooks := store.total(), told.Load()
				settle(10 * time.Minute)
				if ops, hooks := store.total()-ops, told.Load()-hooks; ops > 700 || hooks > 700 {
					t.Errorf("in ten minutes %d operations of the Store, and %d calls of the hook", ops, hooks)
				}
				store.breakDown(nil)
				settle(10 * time.Second)
				if err := m.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// One record is spoiled while its token is redeemed; the Store is well.
func TestI17_ARecordThatWasSpoiledIsTriedEverMoreRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		var told atomic.Int64
		m := s.manager(t, authtrip.WithPlaintextStore(store), authtrip.Hooks{StoreFailed: func(string, error) { told.Add(1) }})
		src := of(t, m, "ann")
		s.login(t, src, "ann")
		settle(time.Hour)
		s.befall(nil, atCall(func() { store.replaceWith(t, "ann", `{"form":2}`) }))
		s.mustBe(t, src, "ann")
		settle(time.Minute)
		before, ops := told.Load(), store.total()
		settle(24 * time.Hour)
		if told, ops := told.Load()-before, store.total()-ops; told > 24*70 || ops > 24*70 {
			t.Errorf("in a day %d calls of the hook, and %d operations", told, ops)
		}
	})
}
