//go:build unix

package redisstore_test

import (
	"syscall"
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/contrib/redisstore"
	"github.com/authtrip/authtrip/storetest"
)

// A Redis that hangs takes connections and says nothing.
func TestRedisMayHangAndGoOn(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	signal := func(s syscall.Signal) func(*testing.T) {
		return func(t *testing.T) {
			if err := e.cmd.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
		}
	}
	storetest.Outage(t, func(t *testing.T) authtrip.Store { return redisstore.New(e.client(t)) },
		signal(syscall.SIGSTOP), signal(syscall.SIGCONT))
}
