package authtrip_test

import (
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/storetest"
)

// Also while a key is being replaced: every other handle is a step behind.
func TestAnEncryptedStoreIsAStore(t *testing.T) {
	engine, opened := authtrip.NewMemoryStore(0), 0
	storetest.Run(t, func(t *testing.T) authtrip.Store {
		e := sealedBy(1, 2)
		if opened++; opened%2 == 0 {
			e = sealedBy(2, 1)
		}
		s, err := e.Over(engine)
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}
