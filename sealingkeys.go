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
		same := slices.IndexFunc(s.keys, func(k sealingKey) bool { return slices.Equal(k.key, key.key) })
		if err == nil && same >= 0 {
			err = fmt.Errorf("is number %d again: leave it out, or give the other key that was meant", same+1)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("authtrip: Encryption.Keys: number %d %w", i+1, err))
		}
		s.keys = append(s.keys, key)
	}
	nameKey := e.Keys[0]
	if e.NameKey.text != nil { // an empty one was to be given
		nameKey = e.NameKey
	} else if len(e.Keys) > 1 {
		faults = append(faults, errors.New("authtrip: Encryption.NameKey is not given, and there are several Keys: set it to the one that was the only one, so that records are found under the names they have"))
	}
	key, err := keyBytes(nameKey)
	if err == nil {
		s.names, err = derived(key, "names")
	}
	if err != nil && e.NameKey.text != nil {
		faults = append(faults, fmt.Errorf("authtrip: Encryption.NameKey %w", err))
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return s, nil
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
func keyBytes(s Secret) ([]byte, error) {
	text := strings.TrimSpace(s.Reveal()) // files end in a new line
	if text == "" {
		return nil, errors.New("is empty: " + howToMakeAKey)
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) != 32 {
		return nil, errors.New("is not 32 bytes in base64, which are 44 characters, neither hex nor the URLs' alphabet: " + howToMakeAKey)
	}
	return key, nil
}
