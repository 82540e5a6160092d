package middleware_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/middleware"
	"github.com/authtrip/authtrip/nhn"
	"github.com/go-resty/resty/v2"
)

func TestAnInstalledClientGetsATokenAndAnotherWhenItIsRejected(t *testing.T) {
	w := newWorld(t)
	must(t, middleware.Install(w.client, w.src))
	w.mustGet(w.client.R(), "/v1/organizations")
	w.cloud.RevokeAll()
	w.mustGet(w.client.R(), "/v1/organizations")
	if c := w.cloud.Counts(); c.TokenCalls != 2 || c.Accepted != 2 || c.Rejected != 1 {
		t.Errorf("%+v; want 2 token calls, 2 requests accepted, 1 rejected", c)
	}
}

func TestARevocationUnderLoadIsOneTokenCall(t *testing.T) {
	w := newWorld(t)
	must(t, middleware.Install(w.client, w.src))
	w.mustGet(w.client.R(), "/v1/organizations")
	w.cloud.RevokeAll()
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			if res, err := w.client.R().SetBody(`{"a":1}`).Post("/v1/x"); err != nil || res.StatusCode() != 200 {
				t.Errorf("%v, %v; want 200", status(res), err)
			}
		})
	}
	wg.Wait()
	if c := w.cloud.Counts(); c.TokenCalls != 2 {
		t.Errorf("%d token calls, want the first and one more", c.TokenCalls)
	}
}

func TestInstallTwiceIsInstallOnce(t *testing.T) {
	w := newWorld(t)
	must(t, middleware.Install(w.client, w.src))
	once := w.client.GetClient().Transport
	must(t, middleware.Install(w.client, w.src))
	must(t, middleware.Install(w.client.Clone(), w.src)) // which has the same http.Client
	if w.client.GetClient().Transport != once {
		t.Error("the second call put another layer over the first")
	}
}

func TestTwoSourcesServeTheirOwnOrigins(t *testing.T) {
	w, other := newWorld(t), newWorld(t)
	must(t, middleware.Install(w.client, w.src))
	must(t, middleware.Install(w.client, other.src))
	must(t, middleware.Install(w.client, w.src))
	for range 2 {
		w.mustGet(w.client.R(), w.cloud.APIURL+"/v1/organizations")
		w.mustGet(w.client.R(), other.cloud.APIURL+"/v1/organizations")
		w.cloud.RevokeAll()
		other.cloud.RevokeAll()
	}
	if c := w.cloud.Counts(); c.TokenCalls != 2 || c.Accepted != 2 {
		t.Errorf("%+v; want 2 token calls", c)
	}
	middleware.Uninstall(w.client)
	if _, ok := w.client.GetClient().Transport.(*http.Transport); !ok {
		t.Errorf("Uninstall left a %T", w.client.GetClient().Transport)
	}
}

func TestAManagerChoosesByTheRequestsContext(t *testing.T) {
	w := newWorld(t)
	a, b := nhn.Registration(w.cloud.Credentials(), w.cloud.Options()...), nhn.Registration(w.cloud.Credentials(), w.cloud.Options()...)
	a.ID, b.ID = "a", "b"
	mgr, err := authtrip.NewManager([]authtrip.Registration{a, b})
	must(t, err)
	defer func() { _ = mgr.Close() }()
	must(t, middleware.Install(w.client, mgr))
	w.mustGet(w.client.R().SetContext(authtrip.WithRegistration(t.Context(), "b")), "/v1/organizations")
	_, err = w.client.R().Get("/v1/organizations")
	mustSay(t, err, "a", "b")
}

func TestInstallKeepsWhatTheClientHad(t *testing.T) {
	w := newWorld(t, authtest.API(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/cookie":
			http.SetCookie(rw, &http.Cookie{Name: "session", Value: "1", Path: "/"})
		case "/redirect":
			http.Redirect(rw, r, "/cookie", http.StatusFound)
		case "/slow":
			<-r.Context().Done()
		}
	})))
	var sends atomic.Int32
	hooks := 0
	w.client.SetTransport(&wrapper{w.client.GetClient().Transport, func(*http.Request) { sends.Add(1) }})
	jar, err := cookiejar.New(nil)
	must(t, err)
	w.client.SetCookieJar(jar).SetRedirectPolicy(resty.NoRedirectPolicy()).SetTimeout(300 * time.Millisecond)
	w.client.OnBeforeRequest(func(*resty.Client, *resty.Request) error { hooks++; return nil })
	before := w.client.GetClient()
	must(t, middleware.Install(w.client, w.src))

	w.mustGet(w.client.R(), "/cookie")
	if u, _ := url.Parse(w.cloud.APIURL); len(jar.Cookies(u)) != 1 {
		t.Error("the cookie jar got no cookie")
	}
	if _, err := w.client.R().Get("/redirect"); !errors.Is(err, resty.ErrAutoRedirectDisabled) {
		t.Errorf("a redirect gave %v; want the client's redirect policy to refuse it", err)
	}
	if _, err := w.client.R().Get("/slow"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a slow answer gave %v; want the client's time-out", err)
	}
	if sends.Load() != 3 || hooks != 3 || w.client.GetClient() != before {
		t.Errorf("%d sends through the client's own transport and %d hooks, want 3 and 3, and the same http.Client", sends.Load(), hooks)
	}
}

func TestInstallKeepsTheProxy(t *testing.T) {
	w := newWorld(t)
	proxy := newProxy(t)
	w.client.SetProxy(proxy.URL)
	reg := nhn.Registration(w.cloud.Credentials(), append(w.cloud.Options(), nhn.Origins("http://api.invalid"))...)
	reg.AllowHTTP = []string{"api.invalid"}
	src, err := authtrip.NewSource(reg)
	must(t, err)
	must(t, middleware.Install(w.client, src))
	w.mustGet(w.client.R(), "http://api.invalid/x")
	if h := proxy.all(); len(h) != 1 || h[0].Get(nhn.HeaderAuthorization) == "" {
		t.Errorf("the proxy saw %d requests, want 1, with a token", len(h))
	}
}

func TestInstallKeepsTLS(t *testing.T) {
	w := newWorld(t, authtest.TLS())
	w.client.SetTLSClientConfig(&tls.Config{RootCAs: w.cloud.Transport().TLSClientConfig.RootCAs})
	must(t, middleware.Install(w.client, w.src))
	w.mustGet(w.client.R(), "/v1/organizations")
}

func TestUninstallGivesBackWhatWasThere(t *testing.T) {
	w := newWorld(t)
	own := &wrapper{w.client.GetClient().Transport, func(*http.Request) {}}
	w.client.SetTransport(own)
	for range 3 {
		must(t, middleware.Install(w.client, w.src))
		w.mustGet(w.client.R(), "/v1/organizations")
		middleware.Uninstall(w.client)
		if w.client.GetClient().Transport != http.RoundTripper(own) {
			t.Fatalf("the transport is a %T", w.client.GetClient().Transport)
		}
		if res, err := w.client.R().Get("/v1/organizations"); err != nil || res.StatusCode() != 401 {
			t.Fatalf("%v, %v; want the 401 of a request without a token", status(res), err)
		}
	}
	middleware.Uninstall(w.client)
	middleware.Uninstall(nil)
	w.client.GetClient().Transport = nil // http.DefaultTransport
	must(t, middleware.Install(w.client, w.src))
	w.mustGet(w.client.R(), "/v1/organizations")
	middleware.Uninstall(w.client)
	if rt := w.client.GetClient().Transport; rt != nil {
		t.Fatalf("the transport was nil and is a %T", rt)
	}
}

func TestIdleConnectionsCloseThroughTheLayers(t *testing.T) {
	w := newWorld(t)
	closed := false
	w.client.SetTransport(&closer{w.client.GetClient().Transport, &closed})
	must(t, middleware.Install(w.client, w.src))
	w.client.GetClient().CloseIdleConnections()
	if !closed {
		t.Error("CloseIdleConnections did not reach the client's own transport")
	}
}

type closer struct {
	http.RoundTripper
	closed *bool
}

func (c *closer) CloseIdleConnections() { *c.closed = true }

func TestASourceMayBeEmbedded(t *testing.T) {
	w := newWorld(t)
	must(t, middleware.Install(w.client, struct{ *authtrip.Source }{w.src}))
	w.mustGet(w.client.R(), "/v1/organizations")
}

func TestI12_MisuseIsRefusedWithWhatToDo(t *testing.T) {
	defer func() { http.DefaultClient.Transport = nil }() // Resty set it
	w := newWorld(t)
	mustSay(t, middleware.Install(nil, w.src), "resty.New")
	mustSay(t, middleware.Install(&resty.Client{}, w.src), "resty.New")
	middleware.Uninstall(&resty.Client{})
	mustSay(t, middleware.Install(w.client, struct {
		*authtrip.Source
		_ func()
	}{Source: w.src}), "*Source")
	mustSay(t, middleware.Install(w.client, nil), "authtrip.NewSource")
	mustSay(t, middleware.Install(w.client, (*authtrip.Source)(nil)), "authtrip.NewSource")
	mustSay(t, middleware.Install(w.client, (*authtrip.Manager)(nil)), "authtrip.NewSource")
	mustSay(t, middleware.Install(resty.NewWithClient(http.DefaultClient), w.src), "http.DefaultClient")
	if _, ok := w.client.GetClient().Transport.(*http.Transport); !ok {
		t.Error("a refused Install changed the client")
	}
	_, err := resty.New().OnBeforeRequest(middleware.BeforeRequest(nil)).R().Get(w.cloud.APIURL)
	mustSay(t, err, "authtrip.NewSource")
	_, err = resty.NewWithClient(http.DefaultClient).OnBeforeRequest(middleware.BeforeRequest(w.src)).R().Get(w.cloud.APIURL)
	mustSay(t, err, "http.DefaultClient")
}

// newProxy answers in place of every server.
func newProxy(t *testing.T) *seen {
	return newSeen(t, func(rw http.ResponseWriter, r *http.Request) {
		if !r.URL.IsAbs() {
			http.Error(rw, "not a proxy request", http.StatusBadRequest)
		}
	})
}
