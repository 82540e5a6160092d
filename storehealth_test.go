package authtrip

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestI18_OneAsksAStoreThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []bool // whether it failed
		h := &storeHealth{hook: func(err error) { told = append(told, err != nil) }}
		if !h.admits(&h.reads) || !h.admits(&h.writes) {
			t.Fatal("a Store is not asked that has not failed")
		}
		for n := range 10 {
			for range 5 { // whoever had begun before that was known
				h.note(&h.writes, errors.New("full"), nil)
			}
			if !h.admits(&h.reads) {
				t.Fatal("a Store that cannot be written is not read")
			}
			start := time.Now()
			for !h.admits(&h.writes) {
				time.Sleep(100 * time.Millisecond)
			}
			if wait, most := time.Since(start), min(time.Second<<n, 30*time.Second); wait < most*7/10 || wait > most*13/10+100*time.Millisecond {
				t.Errorf("after %d failures it was tried after %v, want about %v", n+1, wait, most)
			}
			if h.admits(&h.writes) {
				t.Fatal("two try at once")
			}
		}
		// That a record was not there to be changed says nothing.
		h.note(&h.writes, ErrConflict, nil)
		h.note(&h.writes, ErrNotFound, nil)
		h.note(&h.reads, ErrNotFound, nil)
		h.note(&h.reads, &unreadable{}, nil)
		synctest.Wait()
		if len(told) != 1 || !told[0] {
			t.Fatalf("told %v, want of one failure", told)
		}
		h.note(&h.reads, errors.New("down"), nil)
		h.note(&h.writes, nil, nil)
		synctest.Wait()
		if len(told) != 1 {
			t.Fatalf("told %v while it still cannot be read", told)
		}
		h.note(&h.reads, ErrNotFound, nil)
		synctest.Wait()
		if len(told) != 2 || told[1] || !h.admits(&h.reads) || !h.admits(&h.writes) {
			t.Fatalf("told %v, want that it works again", told)
		}
	})
}

// An engine that can be read again is not kept from being written for as long as
// writing failed.
func TestI18_AStoreThatCanBeReadAgainIsWrittenAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &storeHealth{}
		for range 10 {
			h.note(&h.reads, errors.New("down"), nil)
			h.note(&h.writes, errors.New("down"), nil)
		}
		if h.admits(&h.writes) {
			t.Fatal("it is asked at once")
		}
		h.note(&h.reads, nil, nil)
		if !h.admits(&h.writes) {
			t.Fatal("it is not asked")
		}
	})
}
