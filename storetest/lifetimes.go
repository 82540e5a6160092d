package storetest

import (
	"context"
	"errors"
	"math"
	"strings"
	"time"

	"github.com/authtrip/authtrip"
)

// Lifetimes that a test waits for: short, and one in which a slow engine, too,
// gets something done.
const (
	short  = 300 * time.Millisecond
	medium = time.Second
)

// pause is the wait before an engine is asked again: it tells nobody by itself
// that a record has expired, or that it is back.
const pause = time.Millisecond

// gone waits until the record has expired, which it may not before its lifetime
// has passed since start, when it was yet to be saved.
func (h *handle) gone(key string, start time.Time, lifetime time.Duration) {
	h.s.Helper()
	for {
		_, _, found := h.load(key)
		age := time.Since(start)
		switch {
		case !found && age < lifetime:
			h.s.Fatalf("%q is gone after %v, and was to live %v", key, age, lifetime)
		case !found:
			return
		case age > lifetime+patience:
			h.s.Fatalf("%q is there after %v, and was to live %v", key, age, lifetime)
		}
		time.Sleep(pause)
	}
}

func expiry(s *suite) {
	all := s.handles(2)
	start := time.Now()
	v := all[0].mustSave("k", "one", "", short)
	all[1].gone("k", start, short)
	for _, h := range all {
		if err := h.delete("k", v); err != authtrip.ErrNotFound {
			s.Fatalf("Delete of what expired: %v, want ErrNotFound", err)
		}
		if _, ok := h.save("k", "two", v, 0); ok {
			s.Fatal("Save over the version of what expired: want ErrConflict")
		}
	}
	again := all[1].mustSave("k", "one", "", 0)
	if again == v {
		s.Fatal("a version of what expired is used again")
	}
	if _, ok := all[0].save("k", "two", v, 0); ok {
		s.Fatal("Save over a version from before it expired: want ErrConflict")
	}
	all[0].mustHold("k", "one", again)
	for _, tiny := range []time.Duration{1, time.Microsecond, time.Millisecond} {
		start := time.Now()
		all[0].mustSave(tiny.String(), "x", "", tiny)
		all[0].gone(tiny.String(), start, tiny)
	}
}

func lifetimes(s *suite) {
	all := s.handles(2)
	start := time.Now()
	stays := all[0].mustSave("stays", "one", "", medium)
	stays = all[1].mustSave("stays", "two", stays, 0)
	longer := all[0].mustSave("longer", "one", "", medium)
	longer = all[1].mustSave("longer", "two", longer, 100*365*24*time.Hour)
	longest := all[0].mustSave("longest", "one", "", math.MaxInt64)
	shorter := all[0].mustSave("shorter", "one", "", 0)
	all[1].mustSave("shorter", "two", shorter, medium)
	all[0].mustSave("k", "x", "", medium)
	all[0].gone("k", start, medium) // and so would those
	all[0].gone("shorter", start, medium)
	all[0].mustHold("stays", "two", stays)
	all[0].mustHold("longer", "two", longer)
	all[1].mustHold("longest", "one", longest)
}

// A lease is a record that is created with a lifetime, and deleted by its
// holder.
func lease(s *suite) {
	all := s.handles(racers / 2)
	for range 3 {
		start := time.Now()
		held := make(chan string, racers)
		s.race(all, func(_ int, h *handle) {
			if v, ok := h.save("lease", "holder", "", short); ok {
				held <- v
			}
		})
		if len(held) != 1 && time.Since(start) < short {
			s.Fatalf("%d hold the lease", len(held))
		}
		all[0].gone("lease", start, short)
	}
	v := all[0].mustSave("lease", "holder", "", time.Hour)
	if err := all[0].delete("lease", v); err != nil {
		s.Fatalf("giving it back: %v", err)
	}
	all[1].mustSave("lease", "another", "", time.Hour)
}

func leaseLost(s *suite) {
	all := s.handles(2)
	start := time.Now()
	mine := all[0].mustSave("lease", "mine", "", short)
	all[1].gone("lease", start, short)
	theirs := all[1].mustSave("lease", "theirs", "", time.Hour)
	if err := all[0].delete("lease", mine); err != authtrip.ErrConflict {
		s.Fatalf("a lost lease is given back: %v, want ErrConflict", err)
	}
	if _, ok := all[0].save("lease", "mine", mine, time.Hour); ok {
		s.Fatal("a lost lease is prolonged: want ErrConflict")
	}
	all[1].mustHold("lease", "theirs", theirs)
}

// A call whose context has ended returns, and does nothing by halves.
func cancellation(s *suite) {
	h := s.handle()
	v := h.mustSave("k", "one", "", 0)
	for name, call := range map[string]func(context.Context) error{
		"Load": func(ctx context.Context) error { _, _, err := h.store.Load(ctx, s.prefix+"k"); return err },
		"Save": func(ctx context.Context) error {
			_, err := h.store.Save(ctx, s.prefix+"k", []byte("two"), v, 0)
			return err
		},
		"Delete": func(ctx context.Context) error { return h.store.Delete(ctx, s.prefix+"k", v) },
	} {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		start := time.Now()
		switch err := call(ctx); {
		case err == nil:
			s.Errorf("%s with a context that has ended: no error", name)
		case errors.Is(err, authtrip.ErrNotFound) || errors.Is(err, authtrip.ErrConflict):
			s.Errorf("%s with a context that has ended: %v, as if the record had been looked at", name, err)
		case time.Since(start) > patience:
			s.Errorf("%s with a context that has ended took %v", name, time.Since(start))
		}
	}
	big := strings.Repeat("x", 1<<20)
	for n := range 20 { // in the middle of it, perhaps
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(n)*100*time.Microsecond)
		_, err := h.store.Save(ctx, s.prefix+"big", []byte(big), "", 0)
		cancel()
		if value, version, found := h.load("big"); found {
			if string(value) != big {
				s.Fatalf("after a Save that ended early %d bytes are there", len(value))
			}
			if err := h.delete("big", version); err != nil {
				s.Fatalf("Delete: %v", err)
			}
		} else if err == nil {
			s.Fatal("what was saved is not there")
		}
	}
	h.mustHold("k", "one", v)
}
