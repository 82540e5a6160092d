package authtrip_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
)

func TestAFullStoreRefusesANewPrincipalBeforeTheCodeIsSpent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		m := s.manager(t, authtrip.WithStore(authtrip.NewMemoryStore(2)))
		s.login(t, of(t, m, "ann"), "ann")
		s.login(t, of(t, m, "bob"), "bob")
		code := s.code("eve")
		err := of(t, m, "eve").ExchangeCode(t.Context(), code, nil)
		wantAll(t, err, `"users"`, "the memory Store is full", "2 records", "NewMemoryStore")
		if s.callCount() != 2 {
			t.Fatal("the code was spent")
		}
		for range 5 { // whoever is there stays
			settle(time.Hour)
			s.mustBe(t, of(t, m, "ann"), "ann")
			s.mustBe(t, of(t, m, "bob"), "bob")
		}
		s.login(t, of(t, m, "bob"), "bob")
		if err := of(t, m, "bob").Revoke(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := of(t, m, "eve").ExchangeCode(t.Context(), code, nil); err != nil {
			t.Fatal(err)
		}
	})
}
