package storetest

import (
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/authtrip/authtrip"
)

const (
	racers = 8 // goroutines, over half as many handles
	laps   = 20
)

// race runs f in as many goroutines, which begin together.
func (s *suite) race(all []*handle, f func(n int, h *handle)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for n := range racers {
		wg.Go(func() {
			<-start
			f(n, all[n%len(all)])
		})
	}
	close(start)
	wg.Wait()
}

func createRace(s *suite) {
	all := s.handles(racers / 2)
	for lap := range laps {
		key := strconv.Itoa(lap)
		var winners atomic.Int32
		var winner atomic.Pointer[string]
		s.race(all, func(n int, h *handle) {
			mine := strconv.Itoa(n)
			if _, ok := h.save(key, mine, "", 0); ok {
				winners.Add(1)
				winner.Store(&mine)
			}
		})
		if winners.Load() != 1 {
			s.Fatalf("%d of %d created the record", winners.Load(), racers)
		}
		all[0].mustHold(key, *winner.Load(), "")
	}
}

// updateRace counts in a record: each that wrote a number read the one before.
func updateRace(s *suite) {
	all := s.handles(racers / 2)
	all[0].mustSave("counter", "0", "", 0)
	var done atomic.Int64
	s.race(all, func(_ int, h *handle) {
		for mine := 0; mine < laps && !s.Failed(); {
			value, version, found := h.load("counter")
			n, err := strconv.Atoi(string(value))
			if !found || err != nil {
				s.Errorf("the counter is %q, found: %v", value, found)
				return
			}
			if _, ok := h.save("counter", strconv.Itoa(n+1), version, 0); ok {
				mine++
				done.Add(1)
			}
		}
	})
	all[0].mustHold("counter", strconv.FormatInt(done.Load(), 10), "")
}

func deleteRace(s *suite) {
	all := s.handles(racers / 2)
	for lap := range laps {
		key := strconv.Itoa(lap)
		version := all[0].mustSave(key, "x", "", 0)
		var deleted, updated atomic.Int32
		s.race(all, func(n int, h *handle) {
			if n%2 == 0 {
				if _, ok := h.save(key, "y", version, 0); ok {
					updated.Add(1)
				}
				return
			}
			if h.delete(key, version) == nil {
				deleted.Add(1)
			}
		})
		if deleted.Load()+updated.Load() != 1 {
			s.Fatalf("%d deleted and %d updated one version", deleted.Load(), updated.Load())
		}
	}
}

// versions wants no version twice, whoever saved and whatever was between.
func versions(s *suite) {
	all := s.handles(racers / 2)
	var mu sync.Mutex
	seen := map[string]bool{}
	note := func(version string) {
		mu.Lock()
		defer mu.Unlock()
		if seen[version] {
			s.Errorf("version %q comes twice", version)
		}
		seen[version] = true
	}
	s.race(all, func(_ int, h *handle) {
		for range laps {
			_, version, _ := h.load("k")
			if next, ok := h.save("k", "always the same", version, 0); ok {
				note(next)
				version = next
			}
			if err := h.delete("k", version); err == nil {
				if next, ok := h.save("k", "always the same", "", 0); ok {
					note(next)
				}
			} else if err != authtrip.ErrConflict && err != authtrip.ErrNotFound {
				s.Errorf("Delete: %v", err)
			}
		}
	})
	if len(seen) < laps {
		s.Errorf("only %d versions of %d tries", len(seen), racers*laps)
	}
}
