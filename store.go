package authtrip

import (
	"context"
	"errors"
	"time"
)

// Store keeps what users granted, refresh tokens above all, so that it
// outlives the process and may be shared by several. [NewMemoryStore] is the
// default.
//
// What is kept under a key is a record: opaque bytes, and a version that is
// never used twice for the same key, not even when the record was deleted or
// its time had passed in between; 128 random bits will do. Records are written
// and deleted by compare-and-set only, which must be atomic among all who share
// the Store. A record that was saved is what every later Load by anybody
// returns.
//
// Keys are printable ASCII, at most a few hundred bytes for usual principals,
// and are compared byte for byte: upper and lower case are different keys. They
// hold registration IDs and principals, which may be personal data, and values
// hold secrets, unless there is [Encryption]. Values are some hundred bytes.
//
// Processes that share a Store tell by the wall clock whether another one is
// still using a refresh token: their clocks must agree within five seconds.
//
// Methods must be safe for concurrent use and return when ctx ends, which is
// about a second after they were called. They must not keep or change value.
// An error other than the sentinels counts as trouble: nothing is known about
// what happened to the record.
type Store interface {
	// Load returns the record under key, or ErrNotFound.
	Load(ctx context.Context, key string) (value []byte, version string, err error)
	// Save writes value under key if the record there has the version given,
	// or if there is none and version is empty, and returns the new version;
	// otherwise it returns ErrConflict. After lifetime the record is gone; 0 is
	// never. A Store may refuse a key that it does not hold yet when it is full.
	Save(ctx context.Context, key string, value []byte, version string, lifetime time.Duration) (newVersion string, err error)
	// Delete removes the record under key if it has the version given. It
	// returns ErrNotFound when there is none, and ErrConflict when it has
	// another version.
	Delete(ctx context.Context, key, version string) error
}

// WithStore sets where refresh tokens are kept, and what else users granted.
// Any but a [NewMemoryStore] needs [Encryption] too, or is given by
// [WithPlaintextStore] instead. Managers that share a Store must have
// registrations with the same IDs for the same clients. Nil keeps the default,
// a [NewMemoryStore] of the Manager's own.
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
	case m.policy.RevokeOnClose && !inMemory:
		return errors.New("authtrip: Policy.RevokeOnClose is set, and the Store is for others too: it would end the tokens that they use; leave it out, and let the last one call Source.Revoke")
	}
	if m.encryption != nil {
		sealed, err := m.encryption.over(store)
		if err != nil {
			return err
		}
		store = sealed
	}
	m.store = newGuardedStore(store, m.hooks)
	return nil
}
