//go:build !linux

package redisstore_test

import "syscall"

var dying *syscall.SysProcAttr
