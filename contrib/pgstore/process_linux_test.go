package pgstore_test

import (
	"os"
	"os/user"
	"strconv"
	"syscall"
	"testing"
)

// process runs a program as somebody who is not root, for the server refuses to
// be root's, and ends it with the tests that started it, however they end.
func process(t testing.TB) *syscall.SysProcAttr {
	t.Helper()
	attr := &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT} // by which the server takes its children with it
	if os.Getuid() == 0 {
		uid, gid := owner(t)
		attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	return attr
}

// owner is whose the server and its files are.
func owner(t testing.TB) (uid, gid int) {
	t.Helper()
	if os.Getuid() != 0 {
		return os.Getuid(), os.Getgid()
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		t.Fatalf("%v: install PostgreSQL, on Debian by \"apt-get install postgresql\"", err)
	}
	uid, _ = strconv.Atoi(u.Uid)
	gid, _ = strconv.Atoi(u.Gid)
	return uid, gid
}
