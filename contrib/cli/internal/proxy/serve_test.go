package proxy

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// once is a listener that has one connection.
type once struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l once) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}
func (l once) Close() error   { close(l.closed); return nil }
func (l once) Addr() net.Addr { return new(net.UnixAddr) }

func TestAClientThatSendsNoWholeHeaderIsLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		l := once{make(chan net.Conn, 1), make(chan struct{})}
		l.conns <- server
		s := newServer(slog.New(slog.DiscardHandler), 0)
		s.on(l, http.NotFoundHandler())
		defer s.close()
		if _, err := io.WriteString(client, "GET / HTTP/1.1\r\nHost:"); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		_ = client.SetReadDeadline(began.Add(time.Minute))
		_, err := io.Copy(io.Discard, client)
		if took := time.Since(began); err != nil || took > 15*time.Second {
			t.Errorf("after %v: %v", took, err)
		}
	})
}
