//go:build !linux

package pgstore_test

import (
	"os"
	"syscall"
	"testing"
)

func process(*testing.T) *syscall.SysProcAttr { return nil }

func owner(*testing.T) (uid, gid int) { return os.Getuid(), os.Getgid() }
