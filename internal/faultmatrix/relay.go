package faultmatrix

import (
	"fmt"
	"io"
	"net"
)

// relay passes connections on to target until in ends: a server that can be
// suspended. It says its port first.
func relay(in io.Reader, out io.Writer, target string) error {
	host, _, err := net.SplitHostPort(target)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, in)
		_ = l.Close()
	}()
	if _, err := fmt.Fprintln(out, l.Addr().(*net.TCPAddr).Port); err != nil {
		return err
	}
	for {
		from, err := l.Accept()
		if err != nil {
			return nil // in has ended
		}
		go pass(from, target)
	}
}

func pass(from net.Conn, target string) {
	defer func() { _ = from.Close() }()
	to, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(to, from)
		_ = to.Close()
	}()
	_, _ = io.Copy(from, to)
}
