//go:build unix

package proxy

import (
	"net"
	"syscall"
)

// listenPrivately makes a socket that is its owner's from the first moment: who
// connects before a chmod stays connected. The umask is the whole process's, for
// that moment; all it takes from others' files is what is not their owner's.
func listenPrivately(path string) (net.Listener, error) {
	before := syscall.Umask(0o077)
	defer syscall.Umask(before)
	return net.Listen("unix", path)
}
