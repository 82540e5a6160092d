//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package authtrip

import (
	"errors"
	"os"
	"syscall"
)

// tryLockFile takes the lock on a file, which is made if there is none, and
// returns what gives it back, or nil if somebody else has it. It ends with the
// process.
func tryLockFile(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return nil, f.Close()
	case err != nil:
		return nil, errors.Join(err, f.Close())
	}
	return func() { _ = f.Close() }, nil
}

// inUse: a file that somebody reads can be replaced.
func inUse(error) bool { return false }

// syncDir makes what was renamed or removed in the directory stay so.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
