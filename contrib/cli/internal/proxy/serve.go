package proxy

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// errAtOnce is the end of a proxy that did not wait for its requests.
var errAtOnce = errors.New("stopped at once, requests in flight were cut off")

// stuck is how long requests may take to notice that they were cut off, which
// takes no time unless there is a fault.
const stuck = 5 * time.Second

// server answers on its listeners until it is stopped.
type server struct {
	log   *slog.Logger
	drain time.Duration
	// busy is read-locked by every request while it is answered, upgraded ones
	// too, which http.Server lets go of.
	busy sync.RWMutex
	// cut ends the context of every request.
	context context.Context
	cut     context.CancelFunc
	servers []*http.Server
	failed  chan error
}

func newServer(log *slog.Logger, drain time.Duration) *server {
	s := &server{log: log, drain: drain, failed: make(chan error, 2)}
	s.context, s.cut = context.WithCancel(context.Background())
	return s
}

// on serves h on l. There is no limit to how long an answer or a body takes:
// both may be streams.
func (s *server) on(l net.Listener, h http.Handler) {
	srv := &http.Server{
		Handler:           s.counted(h),
		BaseContext:       func(net.Listener) context.Context { return s.context },
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	s.servers = append(s.servers, srv)
	go func() {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- err
		}
	}()
}

func (s *server) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.busy.TryRLock() {
			(&fault{status: http.StatusServiceUnavailable, kind: "stopping", text: "the proxy is stopping"}).write(w)
			return
		}
		defer s.busy.RUnlock()
		next.ServeHTTP(w, r)
	})
}

// wait serves until stop ends, lets the requests in flight end for as long as
// drain says, cuts off those that did not, and upgraded connections, and waits
// for them to be gone. When now ends, it does not wait.
func (s *server) wait(stop, now context.Context) error {
	defer s.close()
	select {
	case err := <-s.failed:
		return err
	case <-stop.Done():
	}
	patience, cancel := context.WithTimeout(now, s.drain)
	defer cancel()
	var ends sync.WaitGroup
	for _, srv := range s.servers {
		ends.Go(func() {
			if srv.Shutdown(patience) != nil && now.Err() == nil {
				s.log.Warn("requests did not end in time and are cut off", "drain", s.drain)
			}
		})
	}
	ends.Wait()
	if now.Err() != nil {
		return errAtOnce
	}
	s.close()
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		s.busy.Lock()
	}()
	select {
	case <-gone:
		return nil
	case <-now.Done():
		return errAtOnce
	case <-time.After(stuck):
		s.log.Warn("requests that were cut off have not ended, and are left", "waited", stuck)
		return nil
	}
}

// close ends all requests and connections.
func (s *server) close() {
	s.cut()
	for _, srv := range s.servers {
		_ = srv.Close()
	}
}
