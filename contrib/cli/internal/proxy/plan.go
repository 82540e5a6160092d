package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/authtrip/authtrip"
)

// plan is what the flags say, checked.
type plan struct {
	target      *url.URL
	listen      address
	admin       *address // of its own, if any
	adminOff    bool
	guard       guard
	replayLimit int64
	drain       time.Duration
	verbose     bool
}

// check returns every fault of the flags in one error.
func (f *flags) check() (*plan, error) {
	p := &plan{replayLimit: int64(f.replayLimit), drain: f.drain, verbose: f.verbose, adminOff: f.admin == "off"}
	var faults []error
	fault := func(err error) {
		if err != nil {
			faults = append(faults, err)
		}
	}
	var err error
	p.target, err = parseTarget(f.to)
	fault(err)
	p.listen, err = f.address("--listen", f.listen)
	fault(err)
	if f.admin != "" && !p.adminOff {
		admin, err := f.address("--admin", f.admin)
		fault(err)
		p.admin = &admin
	}
	for _, text := range f.allowHosts {
		host, err := parseHost(text)
		fault(err)
		p.guard.hosts = append(p.guard.hosts, host)
	}
	for _, text := range f.allowOrigins {
		origin, err := parseOrigin(text)
		fault(err)
		p.guard.origins = append(p.guard.origins, origin)
	}
	if f.drain < 0 {
		fault(fmt.Errorf("--drain %v: give a time that is not negative", f.drain))
	}
	return p, errors.Join(faults...)
}

func (f *flags) address(flag, text string) (address, error) {
	a, err := parseAddress(text)
	if err != nil {
		return a, fmt.Errorf("%s %w", flag, err)
	}
	if a.remote && !f.allowRemote {
		return a, fmt.Errorf("%s %s: others may reach that address, and would act with your token: listen on 127.0.0.1, or say --allow-remote if that is what you want", flag, text)
	}
	return a, nil
}

// watch is what tells how the proxy does.
type watch struct {
	metrics *metrics
	health  *health
}

// over has w read src too.
func (w watch) over(src *authtrip.Source) {
	w.health.src = src
	w.metrics.show(src)
}

// run listens and serves until ctx ends; see server.wait. It says on stderr
// where.
func (p *plan) run(ctx, now context.Context, src *authtrip.Source, w watch, log *slog.Logger, stderr io.Writer) error {
	var listeners []net.Listener
	for _, a := range []*address{&p.listen, p.admin} {
		if a == nil {
			continue
		}
		l, err := a.listen()
		if err != nil {
			for _, l := range listeners {
				_ = l.Close()
			}
			return fmt.Errorf("%v: choose another address", err) // its kind would tell of servers
		}
		listeners = append(listeners, l)
		if a.remote {
			_, _ = fmt.Fprintf(stderr, "WARNING: whoever reaches %s acts with your token, as they like\n", l.Addr())
		}
	}
	base := newUpstream()
	defer base.CloseIdleConnections()
	s := newServer(log, p.drain)
	s.on(listeners[0], p.handler(src, base, w, log))
	_, _ = fmt.Fprintf(stderr, "listening on %s → %s\n", urlOf(listeners[0]), p.target)
	if p.admin != nil {
		s.on(listeners[1], p.guarded(*p.admin, p.adminHandler(w, log), w, log))
		_, _ = fmt.Fprintf(stderr, "health and metrics on %s%s\n", urlOf(listeners[1]), reserved)
	}
	return s.wait(ctx, now)
}

// handler is what the proxy serves.
func (p *plan) handler(src *authtrip.Source, base http.RoundTripper, w watch, log *slog.Logger) http.Handler {
	to := newProxy(p.target, src, base, log)
	to.origins, to.replayLimit = p.guard.origins, p.replayLimit
	to.failed = w.metrics.failed
	var access *slog.Logger
	if p.verbose {
		access = log
	}
	h := observed(to, w.metrics, access)
	if p.admin == nil && !p.adminOff {
		h = beside(h, p.adminHandler(w, log))
	}
	return p.guarded(p.listen, h, w, log)
}

func (p *plan) adminHandler(w watch, log *slog.Logger) http.Handler {
	return admin(w.health, w.metrics.handler(log))
}

// guarded keeps from h what came to a by way of a browser.
func (p *plan) guarded(a address, h http.Handler, w watch, log *slog.Logger) http.Handler {
	g := p.guard
	g.anyHost, g.anyAddress = a.network == "unix", a.remote
	told := new(atomic.Bool)
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if f := g.refuses(r); f != nil {
			w.metrics.failed(f)
			level := slog.LevelDebug // of many a page sends, one is enough to be told
			if !told.Swap(true) {
				level = slog.LevelWarn
			}
			log.Log(r.Context(), level, "a request is refused", "kind", f.kind, "error", f.text)
			f.write(rw)
			return
		}
		h.ServeHTTP(rw, r)
	})
}
