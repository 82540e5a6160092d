//go:build unix

package main

import (
	"syscall"
	"time"
)

// processor is the processor time that the process has used, of all its
// threads: what else runs on the machine does not count, and what the garbage
// collector does beside the requests does.
func processor() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
