package authtrip

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
)

// Few hashes, so that entries stand in each other's way, and behind the end.
func TestAnIndexFindsWhatAMapDoes(t *testing.T) {
	for _, hashes := range []int{1, 3, 16, 1000} {
		t.Run(fmt.Sprint(hashes, " hashes"), func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, uint64(hashes)))
			x, there := &index{}, map[*entry]uint64{}
			var gone []*entry
			most := 0
			for range 500 {
				if len(there) > 0 && r.IntN(5) < 2 || len(there) > 40 {
					for e, hash := range there { // any
						x.remove(hash, e)
						delete(there, e)
						gone = append(gone, e)
						break
					}
				} else {
					e, hash := new(entry), ^uint64(0)-uint64(r.IntN(hashes))
					x.add(hash, e)
					there[e] = hash
				}
				most = max(most, len(there))
				checkIndex(t, x, there)
			}
			for _, e := range gone[:50] {
				for hash := range min(hashes, 16) {
					if x.find(^uint64(0)-uint64(hash), func(got *entry) bool { return got == e || got == removed }) != nil {
						t.Fatal("it finds one that was removed, or asks of its mark")
					}
				}
			}
			if n := len(*x.slots.Load()); n > 4*most {
				t.Fatalf("%d slots for %d entries at most", n, most)
			}
		})
	}
}

func checkIndex(t *testing.T, x *index, there map[*entry]uint64) {
	t.Helper()
	for e, hash := range there {
		if x.find(hash, func(got *entry) bool { return got == e }) != e {
			t.Fatal("it does not find one that is there")
		}
		if x.find(hash+1<<40, func(got *entry) bool { return got == e }) != nil {
			t.Fatal("it finds one by another hash")
		}
	}
	n := 0
	x.each(func(hash uint64, e *entry) {
		if n++; there[e] != hash {
			t.Fatal("each has one that is not there, or with another hash")
		}
	})
	empty, had := 0, 0
	for i := range *x.slots.Load() {
		if (*x.slots.Load())[i].entry.Load() == nil {
			empty++
		} else {
			had++
		}
	}
	if n != len(there) || x.entries != n || x.taken != had || empty == 0 {
		t.Fatalf("%d entries of %d, it counts %d, and %d slots taken of %d; %d are empty", n, len(there), x.entries, x.taken, had, empty)
	}
}

// Whoever shrinks to a few again has a table for a few, and who stays of one
// size does not make it anew each time.
func TestAnIndexIsAsLargeAsItNeedsToBe(t *testing.T) {
	x := &index{}
	var all []*entry
	for i := range 10_000 {
		e := new(entry)
		x.add(uint64(i)*0x9e3779b97f4a7c15, e)
		all = append(all, e)
	}
	if n := len(*x.slots.Load()); n > 32768 {
		t.Fatalf("%d slots for 10,000", n)
	}
	for i, e := range all[10:] {
		x.remove(uint64(i+10)*0x9e3779b97f4a7c15, e)
	}
	tables := map[*[]slot]bool{}
	for range 20_000 { // one goes, one comes
		e := new(entry)
		hash := rand.Uint64()
		x.add(hash, e)
		x.remove(hash, e)
		tables[x.slots.Load()] = true
	}
	if n := len(*x.slots.Load()); n > 64 {
		t.Fatalf("%d slots for 10", n)
	}
	if len(tables) > 8_000 {
		t.Fatalf("it was made anew %d times in 20,000 turns", len(tables))
	}
}

func TestNothingIsFoundByAnotherKeysHash(t *testing.T) {
	seen := map[uint64][]any{}
	for _, scopes := range [][]string{nil, {"a"}, {"b"}, {"a", "b"}, {"ab"}} {
		for _, id := range []string{"", "x", "y", "xy"} {
			for _, principal := range []string{"", "x", "y", "yx"} {
				hash, key := keyHash(idHash(id), principal, scopes), []any{id, principal, scopes}
				if seen[hash] != nil {
					t.Errorf("%q and %q have one hash", seen[hash], key)
				}
				if seen[hash] = key; hash != keyHash(idHash(id), principal, scopes) {
					t.Errorf("%q has two hashes", key)
				}
			}
		}
	}
}

// Readers take no lock: what stays they always find, however often the table is
// made anew, and what comes and goes they find as it is, or not.
func TestAnIndexIsReadWhileItIsWritten(t *testing.T) {
	const stay, come = 20, 60
	x := &index{}
	name := func(i int) *entry { return &entry{principal: fmt.Sprint(i)} }
	hash := func(i int) uint64 { return uint64(i % 17) } // many at one place
	is := func(i int) func(*entry) bool {
		want := fmt.Sprint(i)
		return func(e *entry) bool { return e.principal == want }
	}
	for i := range stay {
		x.add(hash(i), name(i))
	}
	var stop atomic.Bool
	var found atomic.Int64
	var readers sync.WaitGroup
	for g := range 4 {
		readers.Go(func() {
			r := rand.New(rand.NewPCG(2, uint64(g)))
			for !stop.Load() {
				if i := r.IntN(stay); x.find(hash(i), is(i)) == nil {
					t.Errorf("%d is not found", i)
					return
				}
				if i := stay + r.IntN(come); x.find(hash(i), is(i)) != nil {
					found.Add(1)
				}
			}
		})
	}
	tables := map[*[]slot]bool{}
	there := map[int]*entry{}
	r := rand.New(rand.NewPCG(3, 4))
	for (len(tables) < 20 || found.Load() < 1000) && !t.Failed() {
		i := stay + r.IntN(come)
		if e := there[i]; e != nil {
			x.remove(hash(i), e)
			delete(there, i)
		} else {
			there[i] = name(i)
			x.add(hash(i), there[i])
		}
		tables[x.slots.Load()] = true
	}
	stop.Store(true)
	readers.Wait()
}
