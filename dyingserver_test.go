package authtrip_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
)

// dyingServer answers the first request of each connection, and drops the
// connection when it has read a second.
type dyingServer struct {
	url  string
	mu   sync.Mutex
	seen map[string]int // guarded by mu; how often each code came
}

func (s *dyingServer) codes() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

func newDyingServer(t *testing.T) *dyingServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	s := &dyingServer{url: "http://" + l.Addr().String(), seen: map[string]int{}}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(conn)
		}
	}()
	return s
}

func (s *dyingServer) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	in := bufio.NewReader(conn)
	for i := range 2 {
		r, err := http.ReadRequest(in)
		if err != nil || r.ParseForm() != nil {
			return
		}
		s.mu.Lock()
		s.seen[r.Form.Get("code")]++
		s.mu.Unlock()
		if i == 0 {
			body := `{"access_token":"a"}`
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		}
	}
}
