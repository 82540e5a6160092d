package proxy

import (
	"bufio"
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// observed counts the requests that next answers, and writes a line for each
// into log, if that is not nil: method, path and what came of it. A query may
// hold anything, and is not shown.
func observed(next http.Handler, m *metrics, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		a := &answer{ResponseWriter: w, context: r.Context()}
		m.inFlight.Inc()
		defer func() { // also when a body broke off, which panics
			took := time.Since(began)
			m.inFlight.Dec()
			m.answered(a.statusSent(), took)
			if log != nil {
				log.Info("request", "method", r.Method, "path", r.URL.Path, "status", a.statusSent(), "bytes", a.bytes, "took", took.Round(time.Microsecond))
			}
		}()
		next.ServeHTTP(a, r)
	})
}

// answer notes what is written. What else a ResponseWriter can do it leaves to
// the one it wraps.
type answer struct {
	http.ResponseWriter
	context context.Context // the request's
	status  int
	bytes   int64
}

var _ http.Hijacker = (*answer)(nil)

func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *answer) WriteHeader(status int) {
	if status == http.StatusContinue {
		return // http.Server says it, when the body is read: the API's would be a second one
	}
	if a.status == 0 && status >= 200 { // those below are followed by another
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	n, err := a.ResponseWriter.Write(p)
	a.bytes += int64(n)
	return n, err
}

// Hijack is how a connection is taken over for another protocol. It is closed
// when the request's context ends: http.Server does not do that any more, and
// ReverseProxy waits for the client after the API ended its side.
func (a *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(a.ResponseWriter).Hijack()
	if err == nil {
		context.AfterFunc(a.context, func() { _ = conn.Close() })
		a.status = http.StatusSwitchingProtocols
	}
	return conn, rw, err
}

func (a *answer) statusSent() int {
	if a.status == 0 {
		return http.StatusOK
	}
	return a.status
}
