//go:build !linux

package pgstore_test

import (
	"os"
	"syscall"
	"testing"
)

func process(testing.TB) *syscall.SysProcAttr { return nil }

func owner(testing.TB) (uid, gid int) { return os.Getuid(), os.Getgid() }
