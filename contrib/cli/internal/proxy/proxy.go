package proxy

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync/atomic"

	"github.com/authtrip/authtrip"
)

// proxy sends on what its clients send it, with a token, and the API's answers
// back. Whom it may answer is asked before: see guard.
type proxy struct {
	target      *url.URL
	origins     []string // of pages elsewhere that may call
	replayLimit int64
	log         *slog.Logger
	failed      func(*fault) // is told of answers of the proxy's own
	trouble     atomic.Value // the kind of the latest of them; "" since the API answered
	to          httputil.ReverseProxy
}

// came is what a request came with that its response's way back needs.
type came struct {
	host   string // which the client knows the proxy by
	origin string // of the page elsewhere that sent it; empty for all others
}

type cameKey struct{}

func cameWith(r *http.Request) came {
	c, _ := r.Context().Value(cameKey{}).(came)
	return c
}

func newProxy(target *url.URL, src *authtrip.Source, base http.RoundTripper, log *slog.Logger) *proxy {
	p := &proxy{target: target, log: log, failed: func(*fault) {}}
	p.trouble.Store("")
	p.to = httputil.ReverseProxy{
		Rewrite:        p.rewrite,
		ModifyResponse: p.modify,
		ErrorHandler:   p.fail,
		Transport:      &authtrip.Transport{Source: src, Base: base},
		FlushInterval:  -1, // whatever comes is sent on at once
		// What it logs are bodies that broke off on the way, which is mostly the
		// client leaving.
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	return p
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := came{host: r.Host}
	if o := r.Header.Get("Origin"); slices.Contains(p.origins, o) {
		c.origin = o
	}
	if c.origin != "" && preflight(w, r, c.origin) {
		return
	}
	// An answer may begin while the request's body is still coming.
	_ = http.NewResponseController(w).EnableFullDuplex()

	r = r.WithContext(context.WithValue(r.Context(), cameKey{}, c)) // a copy too
	if err := replayable(r, p.replayLimit); err != nil {
		p.fail(w, r, err)
		return
	}
	p.to.ServeHTTP(w, r)
}

// rewrite makes the API's request of the client's. Forwarding headers are left
// out, which ReverseProxy does by itself: the API is to know no more than if the
// client called it.
func (p *proxy) rewrite(r *httputil.ProxyRequest) {
	r.Out.URL.RawQuery = r.In.URL.RawQuery // as the client wrote it
	r.SetURL(p.target)
	// The same map: what it holds comes with the end of the body.
	r.Out.Trailer = r.In.Trailer
	if r.In.Header.Get("Origin") == own(r.In) {
		r.Out.Header.Set("Origin", p.target.Scheme+"://"+p.target.Host)
	} else {
		r.Out.Header.Del("Origin")
	}
}

func (p *proxy) modify(res *http.Response) error {
	c := cameWith(res.Request)
	res.Header.Del(errorHeader)
	if p.trouble.Load() != "" && p.trouble.Swap("") != "" {
		p.log.Info("the API answers again")
	}
	if len(res.Trailer) > 0 && res.Request.Method != http.MethodHead {
		// HTTP/2 has trailers beside a length, HTTP/1.1 does not.
		res.Header.Del("Content-Length")
	}
	rewriteLocation(res, p.target, c.host)
	if c.origin != "" {
		shareWith(res.Header, c.origin)
	}
	return nil
}

// fail answers r, which err kept from the API's answer.
func (p *proxy) fail(w http.ResponseWriter, r *http.Request, err error) {
	f := faultOf(r.Context(), err)
	p.failed(f)
	switch {
	case f.gone:
		p.log.Debug("a client left", "error", f.text)
	case p.trouble.Swap(f.kind) != f.kind:
		p.log.Warn("requests get no answer of the API", "kind", f.kind, "error", f.text)
	default:
		p.log.Debug("a request got no answer of the API", "kind", f.kind, "error", f.text)
	}
	if c := cameWith(r); c.origin != "" {
		shareWith(w.Header(), c.origin)
	}
	f.write(w)
}
