package redisstore_test

import (
	"bytes"
	"context"
	"net"
	"sync/atomic"
	"testing"
)

// proxy stands before a Redis, and loses answers.
type proxy struct {
	addr, server string
	losing, lost atomic.Bool
}

// newProxy passes everything on to the server; without one it says nothing.
func newProxy(t *testing.T, server string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	p := &proxy{addr: l.Addr().String(), server: server}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = client.Close() })
			if server != "" {
				go p.serve(client)
			}
		}
	}()
	return p
}

// loseNext loses the answer to the next script, which is run.
func (p *proxy) loseNext() {
	p.lost.Store(false)
	p.losing.Store(true)
}

func (p *proxy) mustHaveLost(t *testing.T) {
	t.Helper()
	if !p.lost.Load() {
		t.Fatal("no answer was lost")
	}
}

func (p *proxy) serve(client net.Conn) {
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		_ = client.Close()
		return
	}
	var swallow atomic.Bool
	go pass(server, client, func(request []byte) bool {
		if bytes.Contains(request, []byte("evalsha")) && p.losing.CompareAndSwap(true, false) {
			swallow.Store(true)
		}
		return true
	})
	pass(client, server, func([]byte) bool {
		if swallow.Load() {
			p.lost.Store(true)
			return false
		}
		return true
	})
}

// pass copies from one to the other until one ends, or look says no.
func pass(to, from net.Conn, look func([]byte) bool) {
	defer func() { _, _ = to.Close(), from.Close() }()
	buf := make([]byte, 1<<16)
	for {
		n, err := from.Read(buf)
		if err != nil || !look(buf[:n]) {
			return
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

// dialForEver is a network that answers nothing, and a dialler that does not
// look at its context.
func dialForEver(context.Context, string, string) (net.Conn, error) { select {} }
