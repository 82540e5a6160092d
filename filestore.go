package authtrip

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"
)

// fileStore keeps each record in a file. Who changes any holds the lock file's
// lock, which every process on the machine heeds; who reads holds none, since a
// file is replaced whole.
type fileStore struct {
	dir  string
	turn chan struct{} // full while one of this process has the lock or waits for it
	seen atomic.Bool   // whether the directory was there once

	// What follows is of whoever has the lock, see filesweep.go.

	swept   time.Time
	unswept []string
}

// fileRecord is what a file holds: a line of JSON, and the value as it is. The
// file's name says only a digest of the key.
type fileRecord struct {
	Version string    `json:"version"`
	Expires time.Time `json:"expires,omitzero"` // zero: never
	Size    int       `json:"size"`             // of the value, in bytes
	value   []byte
}

// decodeFile returns nil if text is no record, or not a whole one.
func decodeFile(text []byte) *fileRecord {
	head, value, _ := bytes.Cut(text, []byte("\n"))
	r := fileRecord{Size: -1, value: value}
	if json.Unmarshal(head, &r) != nil || r.Version == "" || r.Size != len(value) {
		return nil
	}
	return &r
}

func (r *fileRecord) expired() bool { return !r.Expires.IsZero() && !time.Now().Before(r.Expires) }

const (
	recordSuffix = ".record"
	newSuffix    = ".record.new" // of a file that is to become a record's
	// lockPoll is the wait between tries of the lock, which is held for as long
	// as it takes to write a file.
	lockPoll = 2 * time.Millisecond
)

// NewFileStore returns a Store in a directory, for what has to outlive a process
// and for all processes of one machine. It does no I/O; the directory is made
// when something is saved first, for its owner alone (0700), as are the files
// (0600). A record is a file that is replaced whole, and is on the disk when Save
// returns. What it holds is sealed by [Encryption], or as it is.
//
// Nothing else should be in the directory, and it must be on a local disk: the
// lock in it is advisory, and network file systems may not heed it. A directory
// that is not there yet is an empty Store; one that goes away while it is in use
// is trouble until it is back. A file that is no record, or not a whole one, is
// written anew where that can be done; a login is left as it is, and its user's
// requests fail, until the file is put back or removed.
//
// It works on Unix, and on Windows, whose disk may have a record a moment later;
// on Solaris, AIX, Plan 9 and in browsers nothing can be saved.
func NewFileStore(dir string) Store { return &fileStore{dir: dir, turn: make(chan struct{}, 1)} }

// Load implements [Store].
func (s *fileStore) Load(ctx context.Context, key string) ([]byte, string, error) {
	if err := ctx.Err(); err != nil {
		return nil, "", err
	}
	r, err := s.read(ctx, s.path(key))
	if r == nil {
		return nil, "", err
	}
	return r.value, r.Version, err
}

// Save implements [Store].
func (s *fileStore) Save(ctx context.Context, key string, value []byte, version string, lifetime time.Duration) (string, error) {
	next := fileRecord{Version: rand.Text(), Size: len(value), value: value}
	err := s.locked(ctx, func() error {
		s.sweep(ctx)
		switch now, err := s.read(ctx, s.path(key)); {
		case now == nil && !errors.Is(err, ErrNotFound):
			return err
		case now != nil && now.Version != version && err != nil:
			return err
		case now != nil && now.Version != version, now == nil && version != "":
			return ErrConflict
		}
		if lifetime > 0 {
			next.Expires = time.Now().Add(lifetime)
		}
		return s.write(ctx, s.path(key), &next)
	})
	if err != nil {
		return "", err
	}
	return next.Version, nil
}

// Delete implements [Store].
func (s *fileStore) Delete(ctx context.Context, key, version string) error {
	if _, found, err := s.Load(ctx, key); found == "" {
		return err // and no directory is made for what is not there
	}
	return s.locked(ctx, func() error {
		now, err := s.read(ctx, s.path(key))
		switch {
		case err != nil && (now == nil || now.Version != version):
			return err
		case now.Version != version:
			return ErrConflict
		}
		err = insist(ctx, func() error { return os.Remove(s.path(key)) })
		if err == nil {
			err = syncDir(s.dir)
		}
		return s.trouble(err)
	})
}

func (s *fileStore) path(key string) string {
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(s.dir, hex.EncodeToString(sum[:])+recordSuffix)
}

// read returns the record in a file, or ErrNotFound if there is none, or none
// any more. Beside an *unreadable it has the version to write over it.
func (s *fileStore) read(ctx context.Context, path string) (*fileRecord, error) {
	var text []byte
	err := insist(ctx, func() (err error) {
		text, err = os.ReadFile(path)
		return err
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, s.absent()
	case err != nil:
		return nil, s.trouble(err)
	}
	s.seen.Store(true)
	r := decodeFile(text)
	if r == nil {
		sum := sha256.Sum256(text)
		return &fileRecord{Version: hex.EncodeToString(sum[:])}, &unreadable{path, "is no record of the file Store, or not a whole one: put it back as it was, or remove it"}
	}
	if r.expired() {
		return nil, ErrNotFound
	}
	return r, nil
}

// absent is what it means that a record has no file: that there is none, or that
// the directory has gone, and with it, say, the disk it was on.
func (s *fileStore) absent() error {
	_, err := os.Stat(s.dir)
	switch {
	case err == nil:
		s.seen.Store(true)
		return ErrNotFound
	case errors.Is(err, fs.ErrNotExist) && !s.seen.Load():
		return ErrNotFound
	}
	return s.trouble(fmt.Errorf("its directory has gone: put it back, or start anew with an empty one: %w", err))
}

// write replaces a file whole. The lock is held.
func (s *fileStore) write(ctx context.Context, path string, r *fileRecord) error {
	head, err := json.Marshal(r)
	if err != nil {
		return s.trouble(err)
	}
	f, err := os.CreateTemp(s.dir, "*"+newSuffix) // 0600
	if err != nil {
		return s.trouble(err)
	}
	_, err = f.Write(slices.Concat(head, []byte("\n"), r.value))
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = insist(ctx, func() error { return os.Rename(f.Name(), path) })
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return s.trouble(err)
	}
	return s.trouble(syncDir(s.dir))
}

// locked runs f while nobody else, in this process or another, changes anything.
func (s *fileStore) locked(ctx context.Context, f func() error) error {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.dir == "" {
		return s.trouble(errors.New("give NewFileStore a directory"))
	}
	if !s.seen.Load() {
		if err := os.MkdirAll(s.dir, 0o700); err != nil {
			return s.trouble(err)
		}
		s.seen.Store(true)
	}
	path := filepath.Join(s.dir, "lock")
	for {
		unlock, err := tryLockFile(path)
		if err != nil {
			return s.trouble(err)
		}
		if unlock != nil {
			defer unlock()
			return f()
		}
		if !sleep(ctx, jitter(lockPoll, 0.5)) {
			return s.trouble(fmt.Errorf("another process holds the lock of %s for too long: %w", path, ctx.Err()))
		}
	}
}

// insist does again what fails because somebody else has the file open, which is
// so on Windows only, and for no longer than a look takes.
func insist(ctx context.Context, f func() error) error {
	for {
		err := f()
		if err == nil || !inUse(err) || !sleep(ctx, jitter(lockPoll, 0.5)) {
			return err
		}
	}
}

func (s *fileStore) trouble(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("the file Store: %w", err)
}

// Format keeps the directory, and with it a user's name, out of dumps.
func (*fileStore) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("authtrip.NewFileStore")) }
