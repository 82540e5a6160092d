package faultmatrix

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	jsonType  = "application/json"
	headLines = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 200\r\n\r\n"
)

// strangerHost is where a redirect leads. It resolves to the same server, which
// counts all that arrives.
const strangerHost = "stranger.example.test"

// cutOff sends text as it is, and then a reset.
func cutOff(text string) func(context.Context, http.ResponseWriter, *http.Request) {
	return func(_ context.Context, w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(conn, text)
		if secure, ok := conn.(*tls.Conn); ok {
			conn = secure.NetConn() // no close_notify
		}
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
	}
}

func hang(ctx context.Context, _ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-ctx.Done()
	panic(http.ErrAbortHandler)
}

// drip sends the space before a reply so slowly that nobody waits for the rest.
func drip(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", jsonType)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := io.WriteString(w, " "); err != nil {
			return
		}
		_ = http.NewResponseController(w).Flush()
		select {
		case <-tick.C:
		case <-ctx.Done():
			panic(http.ErrAbortHandler)
		}
	}
}

func status(code int, retryAfter, body string) func(context.Context, http.ResponseWriter, *http.Request) {
	return func(_ context.Context, w http.ResponseWriter, _ *http.Request) {
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		w.Header().Set("Content-Type", jsonType)
		if strings.HasPrefix(body, "<") {
			w.Header().Set("Content-Type", "text/html")
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }

// comeBackAt says the time, to the second (RFC 9110 §10.2.3).
func comeBackAt(code int, after time.Duration) func(context.Context, http.ResponseWriter, *http.Request) {
	return func(ctx context.Context, w http.ResponseWriter, r *http.Request) {
		status(code, time.Now().Add(after).UTC().Format(http.TimeFormat), "")(ctx, w, r)
	}
}

// bombPart is 16 MiB of spaces, packed. Parts in a row unpack to all of them.
var bombPart = sync.OnceValue(func() []byte {
	var packed bytes.Buffer
	z, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	_, _ = z.Write(bytes.Repeat([]byte(" "), 16<<20))
	_ = z.Close()
	return packed.Bytes()
})

func gzipBomb(_ context.Context, w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", jsonType)
	w.Header().Set("Content-Encoding", "gzip")
	for range 64 {
		if _, err := w.Write(bombPart()); err != nil {
			return
		}
	}
}

func endless(_ context.Context, w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", jsonType)
	_, _ = io.WriteString(w, `{"access_token":"`)
	part := bytes.Repeat([]byte("a"), 64<<10)
	for range 1 << 30 / len(part) {
		if _, err := w.Write(part); err != nil {
			return
		}
	}
}

// redirect keeps method and body (307), as a hostile one would.
func redirect(_ context.Context, w http.ResponseWriter, r *http.Request) {
	_, port, _ := net.SplitHostPort(r.Host)
	w.Header().Set("Location", fmt.Sprintf("https://%s/token", net.JoinHostPort(strangerHost, port)))
	w.WriteHeader(http.StatusTemporaryRedirect)
}
