package authtrip

import (
	"errors"
	"syscall"
)

const sharingViolation = syscall.Errno(32)

// tryLockFile is what it is on Unix: a file that is opened without sharing can
// be opened by nobody else.
func tryLockFile(path string) (unlock func(), err error) {
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	h, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, 0, nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	switch {
	case errors.Is(err, sharingViolation):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return func() { _ = syscall.CloseHandle(h) }, nil
}

// inUse reports whether it fails because somebody has the file open.
func inUse(err error) bool {
	return errors.Is(err, sharingViolation) || errors.Is(err, syscall.ERROR_ACCESS_DENIED)
}

// syncDir: a directory cannot be synced.
func syncDir(string) error { return nil }
