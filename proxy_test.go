package authtrip_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/nhn"
)

// wire keeps what goes over connections.
type wire struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *wire) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// tapped is a connection of which is kept what its user writes.
type tapped struct {
	net.Conn
	wire *wire
}

func (c *tapped) Write(p []byte) (int, error) {
	_, _ = c.wire.Write(p)
	return c.Conn.Write(p)
}

// newProxy is a proxy on loopback: for each connection it reads one request and
// answers. All that it is sent is kept.
func newProxy(t *testing.T, answer func(*http.Request, net.Conn)) (*url.URL, *wire) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	seen := new(wire)
	var wg sync.WaitGroup
	t.Cleanup(func() { _ = listener.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer func() { _ = conn.Close() }()
				_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
				from := io.TeeReader(conn, seen)
				req, err := http.ReadRequest(bufio.NewReader(from))
				if err == nil {
					answer(req, &through{conn, from})
				}
			})
		}
	})
	return &url.URL{Scheme: "http", Host: listener.Addr().String()}, seen
}

// through is a connection that is read by way of another reader.
type through struct {
	net.Conn
	from io.Reader
}

func (c *through) Read(p []byte) (int, error) { return c.from.Read(p) }

// connect is what an honest proxy does: it joins the two ends of a tunnel.
func (h *hops) connect(req *http.Request, client net.Conn) {
	server, err := h.base.DialContext(req.Context(), "tcp", req.Host)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	_, _ = io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n")
	go func() { _, _ = io.Copy(server, client); _ = server.Close() }()
	_, _ = io.Copy(client, server)
}

// Of an https request a proxy sees to whom it is, and no more; what it answers
// instead costs no token and leads nowhere.
func TestI13_AProxySeesNoTokenOfAnHTTPSRequest(t *testing.T) {
	const api = "https://api.example"
	answering := func(text string) func(*hops) func(*http.Request, net.Conn) {
		return func(*hops) func(*http.Request, net.Conn) {
			return func(_ *http.Request, conn net.Conn) { _, _ = io.WriteString(conn, text) }
		}
	}
	for name, c := range map[string]struct {
		proxy func(*hops) func(*http.Request, net.Conn)
		fails string
	}{
		"that is honest":         {proxy: func(h *hops) func(*http.Request, net.Conn) { return h.connect }},
		"that redirects":         {answering("HTTP/1.1 302 Found\r\nLocation: https://evil.example/\r\nContent-Length: 0\r\n\r\n"), "Found"},
		"that says 401":          {answering("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer error=\"invalid_token\"\r\nContent-Length: 0\r\n\r\n"), "Unauthorized"},
		"that wants credentials": {answering("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Bearer\r\nContent-Length: 0\r\n\r\n"), "Proxy Authentication Required"},
		"that plays the API": {func(*hops) func(*http.Request, net.Conn) {
			own := selfSigned(t, "api.example")
			return func(_ *http.Request, conn net.Conn) {
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
				_, _ = io.Copy(io.Discard, tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{own}}))
			}
		}, "certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHops(t, false, chainHosts...)
			at, seen := newProxy(t, c.proxy(h))
			client, asked := h.client(t, hopping([]string{nhn.HeaderAuthorization}, api))
			through := &http.Transport{Proxy: http.ProxyURL(at), TLSClientConfig: h.base.TLSClientConfig}
			t.Cleanup(through.CloseIdleConnections)
			client.Transport.(*authtrip.Transport).Base = through
			res, err := client.Get(api)
			if c.fails != "" {
				wantAll(t, err, c.fails)
				h.want(t)
			} else if err != nil {
				t.Fatal(err)
			} else {
				_ = res.Body.Close()
				h.want(t, api+" token key")
			}
			text := seen.String()
			if !strings.HasPrefix(text, "CONNECT api.example:443 HTTP/1.1\r\n") || carries(text) != "-" || strings.Count(text, "CONNECT") != 1 {
				t.Errorf("the proxy was sent %q", text)
			}
			if asked.calls != 1 {
				t.Errorf("%d token calls, want 1", asked.calls)
			}
		})
	}
}

// Of a plain request it sees all, the token too: loopback's is no exception when
// the program itself sets a proxy for it. Where a redirect leads to gets none by
// this way either.
func TestI13_AProxySeesAllOfAPlainRequestAndNothingOfWhatFollows(t *testing.T) {
	h := newHops(t, false)
	at, seen := newProxy(t, func(req *http.Request, conn net.Conn) {
		if req.URL.Host == "localhost:8080" {
			_, _ = io.WriteString(conn, "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:8080/next\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	})
	client, _ := h.client(t, hopping([]string{nhn.HeaderAuthorization}))
	client.Transport.(*authtrip.Transport).Base = &http.Transport{Proxy: http.ProxyURL(at), DisableKeepAlives: true}
	res, err := client.Get("http://localhost:8080/first")
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	first, next, ok := strings.Cut(seen.String(), "GET http://127.0.0.1:8080/next")
	if !ok || !strings.HasPrefix(first, "GET http://localhost:8080/first") || carries(first) != "token" || carries(next) != "-" {
		t.Errorf("the proxy was sent %q", seen)
	}
}

// Token calls use the environment's proxy, but for loopback. Of an https endpoint
// it sees nothing; of one with plain http that was allowed, all.
func TestI15_TheEnvironmentsProxySeesNoSecretOfATokenCall(t *testing.T) {
	endpoints := []string{"https://auth.example/token", "http://127.0.0.1:1/token", "http://auth.example/token"}
	if os.Getenv("TEST_TOKEN_CALLS") != "" { // the child: net/http reads the environment once
		for _, at := range endpoints {
			r := registration()
			r.TokenEndpoint.URL, r.AllowHTTP = at, []string{"auth.example"}
			_, err := newSource(t, r).Token(t.Context())
			fmt.Println("child:", err)
		}
		return
	}
	at, seen := newProxy(t, func(_ *http.Request, conn net.Conn) {
		_, _ = io.WriteString(conn, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
	})
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), "TEST_TOKEN_CALLS=1", "GORACE=atexit_sleep_ms=0", "REQUEST_METHOD=", "NO_PROXY=", "no_proxy=",
		"HTTP_PROXY="+at.String(), "http_proxy="+at.String(), "HTTPS_PROXY="+at.String(), "https_proxy="+at.String())
	said, err := child.CombinedOutput()
	if err != nil || strings.Count(string(said), "child: authtrip: ") != len(endpoints) || strings.Contains(string(said), "s3cret") {
		t.Fatalf("%v: %s", err, said)
	}
	const secret = "Authorization: Basic aWQ6czNjcmV0LXMzY3JldA=="
	tunnels, plain, _ := strings.Cut(seen.String(), "POST http://auth.example/token ")
	if !strings.HasPrefix(tunnels, "CONNECT auth.example:443 ") || strings.Contains(tunnels, "Authorization") || strings.Contains(seen.String(), "127.0.0.1:1") {
		t.Errorf("of the others the proxy was sent %q", tunnels)
	}
	if !strings.Contains(plain, secret) {
		t.Errorf("of the plain call the proxy was sent %q", plain)
	}
}
