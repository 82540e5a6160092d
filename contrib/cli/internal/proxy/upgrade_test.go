package proxy_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/authtrip/authtrip/authtest"
)

// socket is an API that speaks another protocol after an upgrade: it echoes.
// The heads of the requests that had a valid token come out of the channel.
func socket() (http.HandlerFunc, chan http.Header) {
	heads := make(chan http.Header, 10)
	return func(w http.ResponseWriter, r *http.Request) {
		heads <- r.Header.Clone()
		if r.Header.Get("Upgrade") == "" {
			return
		}
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close() //nolint:errcheck // its end
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
		_, _ = io.Copy(conn, rw)
	}, heads
}

// upgrade asks the proxy for a WebSocket and returns the answer.
func (w *world) upgrade(lines ...string) (net.Conn, *bufio.Reader, *http.Response) {
	w.t.Helper()
	conn, r := w.dial()
	write(w.t, conn, append(append([]string{"GET /live?x=1 HTTP/1.1", "Host: " + w.host(), "Connection: keep-alive, Upgrade", "Upgrade: websocket",
		"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}, lines...), "", "")...)
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return conn, r, res
}

func mustEcho(t *testing.T, conn net.Conn, r *bufio.Reader, text string) {
	t.Helper()
	got := make([]byte, len(text))
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(r, got); err != nil || string(got) != text {
		t.Fatalf("%q came back, %v; want %q", got, err, text)
	}
}

func TestAWebSocketGetsATokenAndEndsWithTheProxy(t *testing.T) {
	api, heads := socket()
	w := newWorld(t, serving(api), args("--drain", "1m"))
	w.mustGet("/")
	<-heads
	w.cloud.RevokeAll() // the handshake is sent again, too
	conn, r, res := w.upgrade("Origin: " + w.url)
	head := <-heads
	if res.StatusCode != 101 || res.Header.Get("Sec-WebSocket-Accept") == "" || !strings.HasPrefix(head.Get("X-Nhn-Authorization"), "Bearer ") {
		t.Fatalf("%s; the API saw %q", res.Status, head)
	}
	if got := head.Get("Origin"); got != w.cloud.APIURL {
		t.Fatalf("to the API the page is of %q, want its own %s", got, w.cloud.APIURL)
	}
	w.wantTokenCalls(2)
	mustEcho(t, conn, r, "\x81\x05hello, as it is \x00\xff")
	mustEcho(t, conn, r, strings.Repeat("x", 1000))

	w.mustStop() // at once: a WebSocket is not waited for
	if n, err := r.Read(make([]byte, 1)); err == nil {
		t.Fatalf("%d bytes after the end", n)
	}
}

func TestAWebSocketThatTheAPIEndsIsEnded(t *testing.T) {
	ended := make(chan struct{})
	w := newWorld(t, serving(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nbye")
		_ = conn.Close()
		close(ended)
	}))
	_, r, _ := w.upgrade()
	<-ended
	if rest, err := io.ReadAll(r); string(rest) != "bye" || err != nil {
		t.Fatalf("%q, %v", rest, err)
	}
	w.mustStop() // although the client has not closed its side
}

func TestAWebSocketThatTheAPIRefusesIsAnAnswer(t *testing.T) {
	w := newWorld(t, serving(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUpgradeRequired)
		_, _ = io.WriteString(w, "not here")
	}))
	_, _, res := w.upgrade()
	if _, text := read(t, res); res.StatusCode != http.StatusUpgradeRequired || text != "not here" {
		t.Fatalf("%s %q", res.Status, text)
	}
	w.cloud.Break(authtest.Fault{Status: 400})
	w.cloud.RevokeAll()
	if _, _, res := w.upgrade(); res.StatusCode != 401 {
		t.Fatalf("without another token: %s, want the API's 401", res.Status)
	}
}
