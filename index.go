package authtrip

import (
	"hash/maphash"
	"sync/atomic"
)

// index finds entries. Reading takes no lock; whoever adds or removes holds one.
// It is a table with linear probing that knows of an entry what it is told: the
// hash of its key, by which it is asked.
type index struct {
	slots   atomic.Pointer[[]slot] // a power of two of them; one at least is empty
	entries int                    // in the slots
	taken   int                    // slots that have or had one
}

type slot struct {
	hash  atomic.Uint64
	entry atomic.Pointer[entry] // nil: empty, and nothing was ever put behind it
}

// removed stands where an entry was.
var removed = new(entry)

var seed = maphash.MakeSeed()

// idHash is the hash of a registration's ID.
func idHash(registration string) uint64 { return maphash.String(seed, registration) }

// keyHash is the hash of a token's key, whose registration's ID has that hash.
func keyHash(registration uint64, principal string, scopes []string) uint64 {
	h := registration*31 + maphash.String(seed, principal)
	for _, s := range scopes {
		h = h*31 + maphash.String(seed, s)
	}
	return h
}

// find returns the entry with that hash that is the right one, or nil.
func (x *index) find(hash uint64, right func(*entry) bool) *entry {
	all := x.slots.Load()
	if all == nil {
		return nil
	}
	slots := *all
	for i := hash; ; i++ {
		s := &slots[i&uint64(len(slots)-1)]
		e := s.entry.Load()
		switch {
		case e == nil:
			return nil
		case s.hash.Load() == hash && e != removed && right(e):
			return e
		}
	}
}

// add adds an entry that is not there.
func (x *index) add(hash uint64, e *entry) {
	if all := x.slots.Load(); all == nil || 8*(x.taken+1) > 7*len(*all) {
		x.rebuild()
	}
	x.entries++
	x.taken++
	place(*x.slots.Load(), hash, e)
}

// rebuild makes the table anew, twice as large if that is needed and not for
// the removed. Who reads the old one finds what was there.
func (x *index) rebuild() {
	size := 8
	for 8*(x.entries+1) > 7*size {
		size *= 2
	}
	slots := make([]slot, size)
	x.each(func(hash uint64, e *entry) { place(slots, hash, e) })
	x.slots.Store(&slots)
	x.taken = x.entries
}

func place(slots []slot, hash uint64, e *entry) {
	for i := hash; ; i++ {
		if s := &slots[i&uint64(len(slots)-1)]; s.entry.Load() == nil {
			s.hash.Store(hash)
			s.entry.Store(e)
			return
		}
	}
}

// each calls f for all entries. It may remove them.
func (x *index) each(f func(hash uint64, e *entry)) {
	all := x.slots.Load()
	if all == nil {
		return
	}
	for i := range *all {
		s := &(*all)[i]
		if e := s.entry.Load(); e != nil && e != removed {
			f(s.hash.Load(), e)
		}
	}
}

// remove removes an entry that is there.
func (x *index) remove(hash uint64, e *entry) {
	slots := *x.slots.Load()
	for i := hash; ; i++ {
		if s := &slots[i&uint64(len(slots)-1)]; s.entry.Load() == e {
			s.entry.Store(removed)
			x.entries--
			return
		}
	}
}
