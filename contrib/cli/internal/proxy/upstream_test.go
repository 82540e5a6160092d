package proxy

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// Servers close what idles, some after 5 seconds. Who is first sends nothing on
// a connection that is no more.
func TestAConnectionIsClosedBeforeTheAPIDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		up := newUpstream()
		up.Proxy = nil
		up.DialContext = func(context.Context, string, string) (net.Conn, error) { return client, nil }
		closed := make(chan time.Time, 1)
		go func() {
			r := bufio.NewReader(server)
			if _, err := http.ReadRequest(r); err != nil {
				t.Error(err)
			}
			_, _ = io.WriteString(server, "HTTP/1.1 204 No Content\r\n\r\n")
			_, _ = r.ReadByte()
			closed <- time.Now()
			_ = server.Close()
		}()
		began := time.Now()
		req, err := http.NewRequest(http.MethodGet, "http://api.example/", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := up.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if idled := (<-closed).Sub(began); idled <= time.Second || idled >= 5*time.Second {
			t.Errorf("it is closed after %v", idled)
		}
	})
}

func TestAnAPIThatTakesTooLongIsAGatewayTimeout(t *testing.T) {
	up := newUpstream()
	up.Proxy = nil
	up.DialContext = func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded}
	}
	req, err := http.NewRequest(http.MethodGet, "http://api.example/", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = up.RoundTrip(req)
	if f := faultOf(t.Context(), err); f.status != http.StatusGatewayTimeout || f.kind != "upstream_unreachable" {
		t.Errorf("%v is %d %s", err, f.status, f.kind)
	}
}
