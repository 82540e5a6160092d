package authtest

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
)

// silent drops what net/http logs of connections that a fault broke.
var silent = log.New(io.Discard, "", 0)

// memoryListener accepts connections that are made in memory.
type memoryListener struct {
	address net.Addr
	dialed  chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

// lastPort makes addresses that no other emulator has.
var lastPort atomic.Int64

// serveInMemory serves the handlers and returns their URLs, the transport that
// reaches them, and what stops them.
func serveInMemory(handlers []http.HandlerFunc) (urls []string, reach *http.Transport, stop []func()) {
	listeners := map[string]*memoryListener{}
	for _, h := range handlers {
		l := &memoryListener{
			address: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: int(lastPort.Add(1))},
			dialed:  make(chan net.Conn), closed: make(chan struct{}),
		}
		listeners[l.address.String()] = l
		urls = append(urls, "http://"+l.address.String())
		srv := &http.Server{Handler: h, ErrorLog: silent}
		go func() { _ = srv.Serve(l) }()
		stop = append(stop, func() { _ = srv.Close() })
	}
	reach = &http.Transport{
		MaxIdleConnsPerHost: 1000,
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			l := listeners[address]
			if l == nil {
				return nil, fmt.Errorf("authtest: %s is no in-memory emulator", address)
			}
			return l.dial(ctx)
		},
	}
	return urls, reach, stop
}

func (l *memoryListener) dial(ctx context.Context) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case l.dialed <- theirs:
		return ours, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Accept implements [net.Listener].
func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.dialed:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (l *memoryListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr implements [net.Listener].
func (l *memoryListener) Addr() net.Addr { return l.address }
