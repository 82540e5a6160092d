//go:build !unix

package proxy

import "net"

// listenPrivately makes a socket with the rights of its directory: there is no
// umask here.
func listenPrivately(path string) (net.Listener, error) { return net.Listen("unix", path) }
