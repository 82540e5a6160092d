package authtrip

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"time"
)

// Encryption seals what a Store keeps, with AES-256-GCM, and keeps it under
// names that only the key makes; it is an [Option], which [WithStore] needs for
// every Store but a memory one. Whoever reads the Store learns no token, client
// or user from it, but how many records there are, how long each is, nothing
// being padded, and when it changes. Whoever writes to it can read, forge or
// rename none, but destroy them, or put back what was there before.
//
// A key is 32 random bytes in base64, as "openssl rand -base64 32" makes them;
// space around it does not count. All who share a Store have the same keys. What
// was written without Encryption is not found with it, nor the other way: users
// log in anew.
//
// A record that cannot be opened, because its key is missing or it was changed,
// is told by Hooks.StoreFailed. A login is left as it is, for its key may come
// back: until then its user's requests fail, and another login too. When the
// key is lost, delete the record whose name the error says, and the user can
// log in anew; or set another NameKey, and all have to.
type Encryption struct {
	// Keys open what they sealed; the first seals. To replace one, first set
	// NameKey, if it is not, to the only key there was. Then give all processes
	// the new key as the last, and when all have that, as the first. The old one
	// is needed for as long as there are records that it sealed, which are
	// sealed anew at each refresh and login only, and costs nothing. Records
	// begin with nine bytes that tell the key: before an old one is left out,
	// delete those that do not begin as new ones do; their users log in anew.
	Keys []Secret
	// NameKey makes the names. The zero Secret stands for the key in Keys, where
	// there is one only; with several it must be given. It never changes,
	// whatever becomes of Keys: with another no record is found, as if nobody
	// had logged in.
	NameKey Secret
}

func (e Encryption) apply(m *Manager) { m.encryption = &e }

// WithPlaintextStore is WithStore for a Store that keeps everything as it is:
// whoever reads it has the users' tokens. It is not for use with [Encryption].
// Nil changes nothing.
func WithPlaintextStore(s Store) Option {
	return optionFunc(func(m *Manager) {
		if s != nil {
			m.given, m.plaintext = s, true
		}
	})
}

// sealedStore keeps records in a Store that learns nothing of them.
type sealedStore struct {
	store Store
	names Secret
	keys  []sealingKey // not empty; the first seals
}

// Format keeps the keys out of dumps.
func (*sealedStore) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// String does what Format does, for dumpers that know only Stringer.
func (*sealedStore) String() string { return redacted }

// A sealed record is its form, the ID of its key, a nonce, what was sealed, and
// the tag.
const (
	sealedForm = 1
	sealedHead = 1 + keyIDSize
)

// unreadable is a record that is there and cannot be opened. Whoever can get
// anew what it held puts that in its place: Load returns its version too.
type unreadable struct{ name, why string }

func (e *unreadable) Error() string {
	return fmt.Sprintf("the record %q cannot be read: it %s", e.name, e.why)
}

// Load implements [Store].
func (s *sealedStore) Load(ctx context.Context, key string) ([]byte, string, error) {
	name := s.name(key)
	sealed, version, err := s.store.Load(ctx, name)
	if err != nil {
		return nil, version, err
	}
	value, err := s.open(name, sealed)
	return value, version, err
}

// Save implements [Store].
func (s *sealedStore) Save(ctx context.Context, key string, value []byte, version string, lifetime time.Duration) (string, error) {
	name := s.name(key)
	sealed, err := s.seal(name, value)
	if err != nil {
		return "", err
	}
	return s.store.Save(ctx, name, sealed, version, lifetime)
}

// Delete implements [Store].
func (s *sealedStore) Delete(ctx context.Context, key, version string) error {
	return s.store.Delete(ctx, s.name(key), version)
}

func (s *sealedStore) name(key string) string {
	mac := hmac.New(sha256.New, []byte(s.names.Reveal()))
	_, _ = mac.Write([]byte(key))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func (s *sealedStore) seal(name string, value []byte) ([]byte, error) {
	key := s.keys[0]
	aead, err := key.of(name)
	if err != nil {
		return nil, err
	}
	head := append([]byte{sealedForm}, key.id...)
	return aead.Seal(head, nil, value, []byte(name)), nil
}

func (s *sealedStore) open(name string, sealed []byte) ([]byte, error) {
	if len(sealed) < sealedHead || sealed[0] != sealedForm {
		return nil, &unreadable{name, "is in no form that is known here: was it cut short, or sealed by a newer version?"}
	}
	id := sealed[1:sealedHead]
	i := slices.IndexFunc(s.keys, func(k sealingKey) bool { return slices.Equal(k.id, id) })
	if i < 0 {
		return nil, &unreadable{name, "was sealed with a key that is not among Encryption.Keys: give the key back there"}
	}
	aead, err := s.keys[i].of(name)
	if err != nil {
		return nil, err
	}
	value, err := aead.Open(nil, nil, sealed[sealedHead:], []byte(name))
	if err != nil {
		return nil, &unreadable{name, "was changed or cut short, or is another's"}
	}
	return value, nil
}

// sealingKey is one of Encryption.Keys.
type sealingKey struct {
	key Secret // its bytes
	id  []byte
}

const keyIDSize = 8

// of returns what seals the record of that name. Each name has a key of its own:
// one for all would, in a large fleet, come to seal more than random nonces are
// good for.
func (k sealingKey) of(name string) (cipher.AEAD, error) {
	key, err := derived(k.key, "seal "+name)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// derived is a key for one purpose.
func derived(key Secret, purpose string) ([]byte, error) {
	return hkdf.Expand(sha256.New, []byte(key.Reveal()), "authtrip "+purpose, 32)
}
