package authtrip_test

import (
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
