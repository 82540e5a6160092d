package storetest_test

import (
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/storetest"
)

func TestAMemoryStoreIsAStore(t *testing.T) {
	s := authtrip.NewMemoryStore(0)
	storetest.Run(t, func(*testing.T) authtrip.Store { return s })
}
