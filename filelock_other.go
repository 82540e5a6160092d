//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package authtrip

import "errors"

func tryLockFile(string) (unlock func(), err error) {
	return nil, errors.New("there are no file locks on this system: use another Store")
}

func inUse(error) bool { return false }

func syncDir(string) error { return nil }
