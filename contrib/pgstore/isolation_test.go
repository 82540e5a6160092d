package pgstore_test

import (
	"errors"
	"strconv"
	"sync"
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/contrib/pgstore"
)

// Above read committed PostgreSQL fails whoever meets another's change. Those
// who share a Store see it as a conflict if the change was of that record, and
// not at all if it was not.
func isolation(t *testing.T, e *engine) {
	d := e.newDatabase(t, "isolation", "").withTable(t)
	for _, level := range []string{"read%20committed", "repeatable%20read", "serializable"} {
		one := database{d.url + "&default_transaction_isolation=" + level}
		var all []*pgstore.Store
		for range 4 {
			all = append(all, one.open(t))
		}
		race := func(f func(n int, s *pgstore.Store)) {
			var wg sync.WaitGroup
			for n := range 8 {
				wg.Go(func() { f(n, all[n%len(all)]) })
			}
			wg.Wait()
		}
		counted(t, level, race)
		leased(t, level, race)
		apart(t, level, race)
	}
}

// counted counts in one record: no count is lost.
func counted(t *testing.T, level string, race func(func(int, *pgstore.Store))) {
	const times = 20
	race(func(_ int, s *pgstore.Store) {
		for done := 0; done < times && !t.Failed(); {
			value, version, err := s.Load(t.Context(), level)
			if err != nil && err != authtrip.ErrNotFound {
				t.Errorf("%s: Load: %v", level, err)
			}
			count, _ := strconv.Atoi(string(value))
			switch _, err := s.Save(t.Context(), level, []byte(strconv.Itoa(count+1)), version, 0); {
			case err == nil:
				done++
			case !errors.Is(err, authtrip.ErrConflict):
				t.Errorf("%s: Save: %v", level, err)
			}
		}
	})
	race(func(_ int, s *pgstore.Store) {
		if got, _, err := s.Load(t.Context(), level); err != nil || string(got) != strconv.Itoa(8*times) {
			t.Errorf("%s: they counted to %s, want %d, %v", level, got, 8*times, err)
		}
	})
}

// leased creates and deletes one record: who deletes what it created always can.
func leased(t *testing.T, level string, race func(func(int, *pgstore.Store))) {
	race(func(_ int, s *pgstore.Store) {
		for range 20 {
			version, err := s.Save(t.Context(), level+" lease", nil, "", 0)
			if errors.Is(err, authtrip.ErrConflict) {
				continue
			}
			if err == nil {
				err = s.Delete(t.Context(), level+" lease", version)
			}
			if err != nil {
				t.Errorf("%s: a lease: %v", level, err)
			}
		}
	})
}

// apart writes records of its own: there is no conflict.
func apart(t *testing.T, level string, race func(func(int, *pgstore.Store))) {
	race(func(n int, s *pgstore.Store) {
		version := ""
		for range 20 {
			var err error
			if version, err = s.Save(t.Context(), level+strconv.Itoa(n), nil, version, 0); err != nil {
				t.Errorf("%s: Save of a record of one's own: %v", level, err)
				return
			}
		}
	})
}
