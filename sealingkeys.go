package authtrip

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// howToMakeAKey ends what is said of one that is none.
const howToMakeAKey = `"openssl rand -base64 32" makes a key`

// over returns a Store that seals what it keeps in another, or every fault of
// the keys.
func (e *Encryption) over(store Store) (Store, error) {
	s := &sealedStore{store: store}
	if len(e.Keys) == 0 {
		return nil, errors.New("authtrip: Encryption.Keys is empty: " + howToMakeAKey)
	}
	var faults []error
	for i, secret := range e.Keys {
		key, err := newSealingKey(secret)
		same := slices.IndexFunc(s.keys, func(k sealingKey) bool { return k.key.Reveal() == key.key.Reveal() })
		if err == nil && same >= 0 {
			err = fmt.Errorf("is number %d again: leave it out, or give the other key that was meant", same+1)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("authtrip: Encryption.Keys: number %d %w", i+1, err))
		}
		s.keys = append(s.keys, key)
	}
	names := s.keys[0].key
	switch {
	case e.NameKey.text != nil: // an empty one was to be given
		var err error
		if names, err = keyBytes(e.NameKey); err != nil {
			faults = append(faults, fmt.Errorf("authtrip: Encryption.NameKey %w", err))
		}
	case len(e.Keys) > 1:
		faults = append(faults, errors.New("authtrip: Encryption.NameKey is not given, and there are several Keys: set it to the one that was the only one, so that records are found under the names they have"))
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	key, err := derived(names, "names")
	s.names = NewSecret(string(key))
	return s, err
}

func newSealingKey(secret Secret) (sealingKey, error) {
	key, err := keyBytes(secret)
	if err != nil {
		return sealingKey{}, err
	}
	id, err := derived(key, "id")
	if err != nil {
		return sealingKey{}, err
	}
	return sealingKey{key, id[:keyIDSize]}, nil
}

// keyBytes reads a key. The errors show nothing of it.
func keyBytes(s Secret) (Secret, error) {
	text := strings.TrimSpace(s.Reveal()) // files end in a new line
	if text == "" {
		return Secret{}, errors.New("is empty: " + howToMakeAKey)
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) != 32 {
		return Secret{}, errors.New("is not 32 bytes in base64, which are 44 characters, neither hex nor the URLs' alphabet: " + howToMakeAKey)
	}
	return NewSecret(string(key)), nil
}
