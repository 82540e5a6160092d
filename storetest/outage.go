package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
)

// Outage tests handles whose engine goes away and comes back: their calls fail
// meanwhile, within their context, with an error that is none of the contract's,
// and go on by themselves afterwards. Stop ends the engine, or suspends it, and
// start begins it again with all records; both return when that is done. Open is
// called while the engine is away, too.
func Outage(t *testing.T, open func(t *testing.T) authtrip.Store, stop, start func(t *testing.T)) {
	outage(newSuite(t, func() authtrip.Store { return open(t) }), func() { stop(t) }, func() { start(t) })
}

func outage(s *suite, stop, start func()) {
	h, idle := s.handle(), s.handle()
	v := h.mustSave("k", "one", "", 0)
	idle.mustHold("k", "one", v)
	for range 2 {
		stop()
		failing(s, h, v)
		start()
		again(s, h, v)
	}
	again(s, idle, v) // which has not noticed
	stop()
	late := s.handle() // which finds no engine to begin with
	failing(s, late, v)
	start()
	again(s, late, v)
	v2 := late.mustSave("k", "two", v, 0)
	again(s, h, v2)
	again(s, idle, v2)
	h.mustHold("k", "two", v2)
	idle.mustHold("k", "two", v2)
}

// failing wants trouble, soon.
func failing(s *suite, h *handle, version string) {
	s.Helper()
	const wait = time.Second
	for name, call := range map[string]func(context.Context) error{
		"Load": func(ctx context.Context) error { _, _, err := h.store.Load(ctx, s.prefix+"k"); return err },
		"Save": func(ctx context.Context) error {
			_, err := h.store.Save(ctx, s.prefix+"new", []byte("x"), "", 0)
			return err
		},
		"Delete": func(ctx context.Context) error { return h.store.Delete(ctx, s.prefix+"k", "not "+version) },
	} {
		ctx, cancel := context.WithTimeout(context.Background(), wait)
		began := time.Now()
		err := call(ctx)
		cancel()
		switch {
		case err == nil || errors.Is(err, authtrip.ErrNotFound) || errors.Is(err, authtrip.ErrConflict):
			s.Errorf("%s without an engine: %v, want trouble", name, err)
		case time.Since(began) > wait+patience/2:
			s.Errorf("%s without an engine took %v, and had %v", name, time.Since(began), wait)
		}
	}
}

// again wants the record, after some time at most.
func again(s *suite, h *handle, version string) {
	s.Helper()
	began := time.Now()
	for {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		_, got, err := h.store.Load(ctx, s.prefix+"k")
		cancel()
		switch {
		case err == nil && got == version:
			return
		case err == nil || errors.Is(err, authtrip.ErrNotFound):
			s.Fatalf("the engine is back without its record: version %q, %v", got, err)
		case time.Since(began) > 2*patience:
			s.Fatalf("the engine has been back for %v: %v", time.Since(began), err)
		}
		time.Sleep(pause)
	}
}
