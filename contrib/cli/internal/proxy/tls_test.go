package proxy_test

import (
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// APIs speak HTTP/2 mostly, and WebSocket over HTTP/1.1 beside it. The process
// is one of its own: it is told whom to trust when it starts.
func TestAnAPIThatSpeaksHTTP2(t *testing.T) {
	websocket, heads := socket()
	api := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			websocket(w, r)
			return
		}
		if !strings.HasPrefix(r.Header.Get("X-Nhn-Authorization"), "Bearer ") {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("X-Proto", r.Proto)
		w.Header().Set("Trailer", "X-Sum")
		_, _ = io.Copy(w, r.Body)
		w.Header().Set("X-Sum", r.Trailer.Get("X-Of-Client"))
	}))
	api.EnableHTTP2 = true
	api.StartTLS()
	defer api.Close()
	trusted := filepath.Join(t.TempDir(), "trusted.pem")
	if err := os.WriteFile(trusted, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: api.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	w := prepare(t, to(api.URL))
	p := w.process("SSL_CERT_FILE=" + trusted)

	for _, body := range []string{"a few bytes", strings.Repeat("x", 3<<20)} {
		req := w.request("POST", "/", io.MultiReader(strings.NewReader(body)))
		req.Trailer = http.Header{"X-Of-Client": {"said"}}
		res, text := read(t, w.send(req))
		if res.Header.Get("X-Proto") != "HTTP/2.0" || text != body || res.Trailer.Get("X-Sum") != "said" {
			t.Fatalf("%s over %q, %d bytes, trailer %q\n%s", res.Status, res.Header.Get("X-Proto"), len(text), res.Trailer, w.log)
		}
	}
	conn, r, res := w.upgrade()
	if head := <-heads; res.StatusCode != 101 || head.Get("X-Nhn-Authorization") == "" {
		t.Fatalf("%s, %q", res.Status, head)
	}
	mustEcho(t, conn, r, "hello")
	p.signal(syscall.SIGTERM)
	w.client.CloseIdleConnections()
	if code := p.wait(); code != 0 {
		t.Fatalf("it exits with %d\n%s", code, w.log)
	}
}
