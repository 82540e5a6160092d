package authtrip

import (
	"context"
	"time"
)

// Store keeps what users granted, refresh tokens above all, so that it
// outlives the process and may be shared by several. [NewMemoryStore] is the
// default; [NewFileStore] serves the processes of one machine. What follows is
// for who writes another; package storetest has it as tests.
//
// What is kept under a key is a record: opaque bytes, none at all too, and a
// version that is never empty and never used twice for the same key, not even
// when the record was deleted or its time had passed in between; 128 random bits
// will do. Records are written and deleted by compare-and-set only, which must be
// atomic among all who share the Store. What was saved last is what every Load by
// anybody that begins afterwards returns. A version that is given may be any
// text; one that the Store never made is that of no record.
//
// Keys are any bytes up to a few hundred, compared byte for byte: upper and lower
// case are different keys, and nothing is trimmed, folded or cut. They hold
// registration IDs and principals, which may be personal data. Values hold
// secrets. They are some hundred bytes, and up to 1 MiB must do.
//
// A record that was saved with a lifetime is there until it has passed, and
// shortly afterwards it is as if it had been deleted, for every method and
// whether or not its place was cleared. So a record that is created with a
// lifetime and deleted by its version is a lease: the library uses it so, and
// needs nothing else. Who holds one may lose it at any time and learns that from
// ErrConflict or ErrNotFound.
//
// Processes that share a Store tell by the wall clock whether another one is
// still using a refresh token: their clocks must agree within five seconds.
//
// Methods must be safe for concurrent use and return when ctx ends, which is
// about a second after they were called; when it has ended already they do
// nothing and return an error. They must not keep or change value, nor return
// one that they keep. An error other than the sentinels counts as trouble:
// nothing is known about what happened to the record, and the caller reads it
// again. The sentinels, wrapped or not, are answers: an engine that is away must
// not give them, and when it is back the Store must go on by itself.
type Store interface {
	// Load returns the record under key, or ErrNotFound.
	Load(ctx context.Context, key string) (value []byte, version string, err error)
	// Save writes value under key if the record there has the version given,
	// or if there is none and version is empty, and returns the new version;
	// otherwise, also when there is none to have the version, it returns
	// ErrConflict. After lifetime the record is gone, whatever the lifetime
	// before; 0 is never, and less is not given. A Store may refuse a key that it
	// does not hold yet when it is full.
	Save(ctx context.Context, key string, value []byte, version string, lifetime time.Duration) (newVersion string, err error)
	// Delete removes the record under key if it has the version given. It
	// returns ErrNotFound when there is none, and ErrConflict when it has
	// another version.
	Delete(ctx context.Context, key, version string) error
}

// WithStore sets where refresh tokens are kept, and what else users granted.
// Managers that share a Store must have registrations with the same IDs for the
// same clients. Nil keeps the default, a [NewMemoryStore] of the Manager's own.
func WithStore(s Store) Option {
	return optionFunc(func(m *Manager) {
		if s != nil {
			m.store = s
		}
	})
}
