package authtrip

import (
	"context"
	"errors"
	"time"
)

// Store keeps what users granted, refresh tokens above all, and with [WithStore]
// clients' own tokens, so that they outlive the process and may be shared by
// several. [NewMemoryStore] is the default; [NewFileStore] serves the processes
// of one machine. What follows is for who writes another; package storetest has
// it as tests.
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
// secrets. They are some hundred bytes, and up to 1 MiB must do. With
// [Encryption] the Store sees neither.
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

// WithStore sets where refresh tokens are kept, what else users granted, and the
// client credentials tokens that a fleet shares: one process makes the token
// call and the others find what it brought. Any but a [NewMemoryStore] needs
// [Encryption] too, or is given by [WithPlaintextStore] instead. Managers that
// share a Store must have registrations with the same IDs for the same clients,
// and clocks that agree within five seconds. The default is a [NewMemoryStore] of
// the Manager's own, which shares nothing; nil changes nothing.
//
// A Store that fails costs client credentials no request: an operation takes a
// second at most, or an eighth of the FetchTimeout, and there are three before a
// token call; while it is known to fail one at a time is tried, 1 s to 30 s apart,
// and each process gets tokens of its own; Hooks.StoreChanged tells. A process
// waits for another's token call for half a FetchTimeout, ± 10 %. What is saved is saved behind the requests: call Close, which waits for
// it, before a program ends.
func WithStore(s Store) Option {
	return optionFunc(func(m *Manager) {
		if s != nil {
			m.given, m.plaintext = s, false
		}
	})
}

// openStore makes the Manager's Store of what the options say.
func (m *Manager) openStore() error {
	store := m.given
	if store == nil {
		store = NewMemoryStore(0)
	}
	_, inMemory := store.(*memoryStore)
	switch {
	case m.encryption != nil && m.plaintext:
		return errors.New("authtrip: Encryption is given and WithPlaintextStore too: for an encrypted Store give it by WithStore")
	case m.encryption == nil && !m.plaintext && !inMemory:
		return errors.New("authtrip: the Store would hold tokens in plain text: give Encryption too, or the Store by WithPlaintextStore if it may")
	case m.policy.RevokeOnClose && m.given != nil:
		return errors.New("authtrip: Policy.RevokeOnClose is set, and the Store is for others too: it would end the tokens that they use; leave it out, and let the last one call Source.Revoke")
	}
	if m.encryption != nil {
		sealed, err := m.encryption.over(store)
		if err != nil {
			return err
		}
		store = sealed
	}
	m.store = newGuardedStore(store, m.hooks, m.policy)
	return nil
}
