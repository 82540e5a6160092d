package redisstore_test

import "syscall"

// dying ends a server with the test that started it, however that ends.
var dying = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
