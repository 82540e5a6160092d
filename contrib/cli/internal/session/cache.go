package session

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/authtrip/authtrip"
)

// openCache returns the options by which the runs share tokens. A cache that
// cannot be had costs a warning: the command works without. A key that others
// can read, or that is none, is a fault.
func (f *Flags) openCache(r authtrip.Registration) ([]authtrip.Option, error) {
	dir, err := f.cacheDir(r)
	if err == nil {
		err = writable(dir)
	}
	if err != nil {
		f.warn("nothing is cached: %v", err)
		return nil, nil
	}
	keyPath, err := keyPath()
	if err != nil {
		f.warn("nothing is cached, for want of a place for the key: %v", err)
		return nil, nil
	}
	key, err := openKey(keyPath)
	switch {
	case errors.Is(err, errKey):
		return nil, err
	case err != nil:
		f.warn("nothing is cached, for want of a key: %v", err)
		return nil, nil
	}
	return []authtrip.Option{
		authtrip.WithStore(authtrip.NewFileStore(dir)),
		authtrip.Encryption{Keys: []authtrip.Secret{key}},
	}, nil
}

// cacheDir is the registration's own directory. A Store finds a login by its
// registration's name, and another configuration may have one of the same name
// at another server, which must not be sent this one's refresh token.
func (f *Flags) cacheDir(r authtrip.Registration) (string, error) {
	dir := f.Cache
	if dir == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(base, "authtrip")
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{r.ID, r.TokenEndpoint.URL, r.ClientID}, "\x00")))
	return filepath.Join(dir, hex.EncodeToString(sum[:12])), nil
}

// writable makes the directory, for its owner alone, and finds out whether it
// can be written.
func writable(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	// The Store's lock file: nothing else should be in the directory.
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return lock.Close()
}
