// Package storetest is what an [authtrip.Store] promises, as tests. Whoever
// writes a Store runs them against the engine it is for, not against a stand-in:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) authtrip.Store {
//			db := connect(t, "127.0.0.1:5432")
//			t.Cleanup(db.Close)
//			return mystore.New(db)
//		})
//	}
//
// A Store on an engine that may go away, such as a server, should also go on when
// it is back:
//
//	func TestStoreInAnOutage(t *testing.T) {
//		server := startServer(t)
//		storetest.Outage(t, func(t *testing.T) authtrip.Store {
//			return mystore.New(connect(t, server.Addr))
//		}, server.Stop, server.Start)
//	}
package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
)

// Run tests a Store. Each call of open returns another handle on one engine,
// which is shared with nobody that would change its records meanwhile; a Store
// that has one handle only, such as one in memory, returns that again. What a
// handle needs at its end is for t.Cleanup. Records are left behind: their keys
// begin with "storetest/".
//
// A run takes some seconds, for records must expire. Under the race detector it
// also sees whether a handle may be used by many at once.
func Run(t *testing.T, open func(t *testing.T) authtrip.Store) {
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			c.test(newSuite(t, func() authtrip.Store { return open(t) }))
		})
	}
}

type check struct {
	name string
	test func(s *suite)
}

var checks = []check{
	{"what is not there is not found", absent},
	{"what was saved is loaded", saved},
	{"a record is written by its version only", conflicts},
	{"what was deleted is gone", deleted},
	{"a value is nobody's but the Store's", copied},
	{"values of all sizes", values},
	{"keys of any bytes", keys},
	{"one of many creates a record", createRace},
	{"no change is lost among many", updateRace},
	{"one of many deletes a record", deleteRace},
	{"no version comes twice", versions},
	{"a record is gone after its lifetime", expiry},
	{"a lifetime is that of the last save", lifetimes},
	{"a lease is one holder's until it ends", lease},
	{"a lease that was lost is not given back", leaseLost},
	{"a call ends with its context", cancellation},
}

// patience bounds what a Store may take for one operation, and for noticing that
// a record has expired.
const patience = 10 * time.Second

// suite is one test: its keys are its own.
type suite struct {
	testing.TB
	open   func() authtrip.Store
	prefix string
}

func newSuite(t testing.TB, open func() authtrip.Store) *suite {
	return &suite{TB: t, open: open, prefix: "storetest/" + rand.Text() + "/"}
}

// handle is a Store whose errors that are none of the contract's fail the test.
type handle struct {
	s     *suite
	store authtrip.Store
}

func (s *suite) handle() *handle {
	s.Helper()
	return &handle{s, s.open()}
}

// handles are n of them on the one engine.
func (s *suite) handles(n int) []*handle {
	s.Helper()
	all := make([]*handle, n)
	for i := range all {
		all[i] = s.handle()
	}
	return all
}

// load returns the record, or nil and "" if there is none.
func (h *handle) load(key string) (value []byte, version string, found bool) {
	h.s.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	value, version, err := h.store.Load(ctx, h.s.prefix+key)
	switch {
	case errors.Is(err, authtrip.ErrNotFound):
		return nil, "", false
	case err != nil:
		h.s.Errorf("Load: %v", err)
		return nil, "", false
	case version == "":
		h.s.Errorf("Load of a record gave no version")
	}
	return value, version, true
}

// save reports whether the record had the version.
func (h *handle) save(key, value, version string, lifetime time.Duration) (newVersion string, ok bool) {
	h.s.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	newVersion, err := h.store.Save(ctx, h.s.prefix+key, []byte(value), version, lifetime)
	switch {
	case errors.Is(err, authtrip.ErrConflict):
		return "", false
	case err != nil:
		h.s.Errorf("Save: %v", err)
		return "", false
	case newVersion == "" || newVersion == version:
		h.s.Errorf("Save over version %q gave version %q", version, newVersion)
	}
	return newVersion, true
}

// delete returns the sentinel that Delete returned, or nil.
func (h *handle) delete(key, version string) error {
	h.s.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := h.store.Delete(ctx, h.s.prefix+key, version)
	switch {
	case errors.Is(err, authtrip.ErrNotFound):
		return authtrip.ErrNotFound
	case errors.Is(err, authtrip.ErrConflict):
		return authtrip.ErrConflict
	case err != nil:
		h.s.Errorf("Delete: %v", err)
	}
	return nil
}

// mustSave saves what has to be saved.
func (h *handle) mustSave(key, value, version string, lifetime time.Duration) (newVersion string) {
	h.s.Helper()
	newVersion, ok := h.save(key, value, version, lifetime)
	if !ok {
		h.s.Fatalf("Save of %q over version %q: ErrConflict, though that is what is there", key, version)
	}
	return newVersion
}

// mustHold wants the record to be value, and its version, if that is given.
func (h *handle) mustHold(key, value, version string) {
	h.s.Helper()
	got, has, found := h.load(key)
	switch {
	case !found:
		h.s.Fatalf("%q is not found", key)
	case !bytes.Equal(got, []byte(value)):
		h.s.Fatalf("%q holds %d bytes %.40q, want %d bytes %.40q", key, len(got), got, len(value), value)
	case version != "" && has != version:
		h.s.Fatalf("%q has version %q, want %q", key, has, version)
	}
}

// mustBeAbsent wants no record, by any method.
func (h *handle) mustBeAbsent(key string) {
	h.s.Helper()
	if _, _, found := h.load(key); found {
		h.s.Fatalf("%q is found", key)
	}
	for _, version := range []string{"", "no version"} {
		if err := h.delete(key, version); err != authtrip.ErrNotFound {
			h.s.Fatalf("Delete of version %q of what is not there: %v, want ErrNotFound", version, err)
		}
	}
	if _, ok := h.save(key, "x", "no version", 0); ok {
		h.s.Fatalf("Save over a version of what is not there: want ErrConflict")
	}
}
