package proxy_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// request makes a request to the proxy; headers are names and values in turn.
func (w *world) request(method, path string, body io.Reader, headers ...string) *http.Request {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, body)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		}
	}
	return req
}

func (w *world) send(req *http.Request) *http.Response {
	w.t.Helper()
	res, err := w.client.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

// get returns the response and its body.
func (w *world) get(path string, headers ...string) (*http.Response, string) {
	w.t.Helper()
	return read(w.t, w.send(w.request("GET", path, nil, headers...)))
}

func (w *world) mustGet(path string) {
	w.t.Helper()
	if res, text := w.get(path); res.StatusCode != 200 {
		w.t.Fatalf("GET %s: %s\n%s", path, res.Status, text)
	}
}

func (w *world) post(path, body string, headers ...string) (*http.Response, string) {
	w.t.Helper()
	return read(w.t, w.send(w.request("POST", path, strings.NewReader(body), headers...)))
}

func read(t *testing.T, res *http.Response) (*http.Response, string) {
	t.Helper()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res, string(text)
}

// dial opens a connection to the proxy, for a client that is no Go program's.
func (w *world) dial() (net.Conn, *bufio.Reader) {
	w.t.Helper()
	u, err := url.Parse(w.url)
	if err != nil {
		w.t.Fatal(err)
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	return conn, bufio.NewReader(conn)
}

// write sends lines, as they are, with the line ends of HTTP.
func write(t *testing.T, conn net.Conn, lines ...string) {
	t.Helper()
	if _, err := io.WriteString(conn, strings.Join(lines, "\r\n")); err != nil {
		t.Fatal(err)
	}
}

// host is what the proxy's clients know it by.
func (w *world) host() string { return strings.TrimPrefix(w.url, "http://") }

func (w *world) wantTokenCalls(n int) {
	w.t.Helper()
	if got := w.cloud.Counts().TokenCalls; got != n {
		w.t.Fatalf("%d token calls, want %d", got, n)
	}
}

// wantFault expects an answer of the proxy's own.
func wantFault(t *testing.T, res *http.Response, text string, status int, kind string, parts ...string) {
	t.Helper()
	if res.StatusCode != status || res.Header.Get("Authtrip-Error") != kind || !strings.Contains(text, `"error":"`+kind+`"`) {
		t.Fatalf("%s, Authtrip-Error %q, %s; want %d, %q", res.Status, res.Header.Get("Authtrip-Error"), text, status, kind)
	}
	wantAll(t, text, append(parts, `"error_description":"`)...)
}

func wantAll(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Fatalf("%q is not in\n%s", p, text)
		}
	}
}
