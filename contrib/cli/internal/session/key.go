package session

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/authtrip/authtrip"
)

// errKey: the key is there and cannot be used.
var errKey = errors.New("the cache's key")

// keySize is in bytes; see [authtrip.Encryption].
const keySize = 32

// keyPath is apart from the cache: who copies or backs up the one does not have
// the other.
func keyPath() (string, error) {
	base, err := os.UserConfigDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(base, "authtrip", "cache.key"), nil
}

// openKey reads the key, or makes it at the first use.
func openKey(path string) (authtrip.Secret, error) {
	key, err := readKey(path)
	if !errors.Is(err, os.ErrNotExist) {
		return key, err
	}
	if err := makeKey(path); err != nil {
		return authtrip.Secret{}, err
	}
	return readKey(path)
}

func readKey(path string) (authtrip.Secret, error) {
	// To open a pipe would wait for its writer.
	if info, err := os.Stat(path); err != nil {
		return authtrip.Secret{}, err
	} else if !info.Mode().IsRegular() {
		return authtrip.Secret{}, fmt.Errorf("%w, %s, is no regular file: remove it", errKey, path)
	}
	f, err := os.Open(path)
	if err != nil {
		return authtrip.Secret{}, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	info, err := f.Stat()
	if err != nil {
		return authtrip.Secret{}, err
	}
	if open := info.Mode().Perm() & 0o077; open != 0 && runtime.GOOS != "windows" {
		return authtrip.Secret{}, fmt.Errorf("%w, %s, may be read or written by others (%04o): remove it and the cache, or chmod 600 it if nobody did", errKey, path, info.Mode().Perm())
	}
	text, err := io.ReadAll(io.LimitReader(f, 1024))
	if err != nil {
		return authtrip.Secret{}, err
	}
	trimmed := strings.TrimSpace(string(text))
	if raw, err := base64.StdEncoding.DecodeString(trimmed); err != nil || len(raw) != keySize {
		return authtrip.Secret{}, fmt.Errorf("%w, %s, is no key of %d bytes in base64: remove it, and what is cached is asked for anew", errKey, path, keySize)
	}
	return authtrip.NewSecret(trimmed), nil
}

// makeKey makes the key under another name and then gives it its own, which
// fails when there is one: of two first runs one makes the key, and both read
// the whole of it.
func makeKey(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	raw := make([]byte, keySize)
	_, _ = rand.Read(raw)                                         // never fails
	f, err := os.CreateTemp(filepath.Dir(path), "cache.key.new*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // the link is what counts
	_, err = f.WriteString(base64.StdEncoding.EncodeToString(raw) + "\n")
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}
