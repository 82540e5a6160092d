package restyv3_test

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
	"github.com/authtrip/authtrip/contrib/restyv3"
	"github.com/authtrip/authtrip/nhn"
	"resty.dev/v3"
)

func TestAnInstalledClientGetsATokenAndAnotherWhenItIsRejected(t *testing.T) {
	w := newWorld(t)
	must(t, restyv3.Install(w.client, w.src))
	w.mustGet(w.client.R(), "/v1/organizations")
	w.cloud.RevokeAll()
	w.mustGet(w.client.R(), "/v1/organizations")
	if c := w.cloud.Counts(); c.TokenCalls != 2 || c.Accepted != 2 || c.Rejected != 1 {
		t.Errorf("%+v; want 2 token calls, 2 requests accepted, 1 rejected", c)
	}
}

func TestARevocationUnderLoadIsOneTokenCall(t *testing.T) {
	w := newWorld(t)
	must(t, restyv3.Install(w.client, w.src))
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
	must(t, restyv3.Install(w.client, w.src))
	once := w.client.Transport()
	must(t, restyv3.Install(w.client, w.src))
	must(t, restyv3.Install(w.client.Clone(t.Context()), w.src)) // which has the same http.Client
	if w.client.Transport() != once {
		t.Error("the second call put another transport over the first")
	}
	w.mustGet(w.client.R(), "/v1/organizations")
	restyv3.Uninstall(w.client)
	w.mustGetWithout(w.client.R(), "/v1/organizations")
}

// TestClonesAreServedAndRefuseLikeTheirOriginal: they share its http.Client,
// and have a copy of its middlewares.
func TestClonesAreServedAndRefuseLikeTheirOriginal(t *testing.T) {
	w := newWorld(t)
	earlier := w.client.Clone(t.Context())
	must(t, restyv3.Install(w.client, w.src))
	w.client.AddRequestMiddleware(func(*resty.Client, *resty.Request) error { return nil }) // so that a list has room that clones share
	later := w.client.Clone(t.Context())
	must(t, restyv3.Install(later, w.src))
	for _, c := range []*resty.Client{earlier, w.client, later} {
		w.mustGet(c.R(), "/v1/organizations")
	}
	earlier.SetTransport(&http.Transport{})
	_, err := later.R().Get("/v1/organizations")
	mustSay(t, err, "call Install again")
}

func TestCloseLeavesTheSourceAlone(t *testing.T) {
	w := newWorld(t)
	must(t, restyv3.Install(w.client, w.src))
	clone := w.client.Clone(t.Context())
	w.mustGet(w.client.R(), "/v1/organizations")
	must(t, w.client.Close())
	w.cloud.RevokeAll()
	w.mustGet(clone.R(), "/v1/organizations")
	if w.token() == "" {
		t.Error("the Source has no token")
	}
}

func TestTwoSourcesServeTheirOwnOrigins(t *testing.T) {
	w, other := newWorld(t), newWorld(t)
	must(t, restyv3.Install(w.client, w.src))
	must(t, restyv3.Install(w.client, other.src))
	must(t, restyv3.Install(w.client, w.src))
	for range 2 {
		w.mustGet(w.client.R(), w.cloud.APIURL+"/v1/organizations")
		w.mustGet(w.client.R(), other.cloud.APIURL+"/v1/organizations")
		w.cloud.RevokeAll()
		other.cloud.RevokeAll()
	}
	if c := w.cloud.Counts(); c.TokenCalls != 2 || c.Accepted != 2 {
		t.Errorf("%+v; want 2 token calls", c)
	}
	restyv3.Uninstall(w.client)
	if _, err := w.client.HTTPTransport(); err != nil {
		t.Errorf("Uninstall left a %T", w.client.Transport())
	}
}

func TestAManagerChoosesByTheRequestsContext(t *testing.T) {
	for _, way := range ways {
		w := newWorld(t)
		a, b := nhn.Registration(w.cloud.Credentials(), w.cloud.Options()...), nhn.Registration(w.cloud.Credentials(), w.cloud.Options()...)
		a.ID, b.ID = "a", "b"
		mgr, err := authtrip.NewManager([]authtrip.Registration{a, b})
		must(t, err)
		defer func() { _ = mgr.Close() }()
		if way == "install" {
			must(t, restyv3.Install(w.client, mgr))
		} else {
			w.client.AddRequestMiddleware(restyv3.Attach(mgr))
		}
		w.mustGet(w.client.R().SetContext(authtrip.WithRegistration(t.Context(), "b")), "/v1/organizations")
		_, err = w.client.R().Get("/v1/organizations")
		mustSay(t, err, "a", "b")
	}
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
	middlewares := 0
	w.client.SetTransport(&wrapper{w.client.Transport(), func(*http.Request) { sends.Add(1) }})
	jar, err := cookiejar.New(nil)
	must(t, err)
	w.client.SetCookieJar(jar).SetRedirectPolicy(resty.RedirectNoPolicy()).SetTimeout(300 * time.Millisecond)
	w.client.AddRequestMiddleware(func(*resty.Client, *resty.Request) error { middlewares++; return nil })
	before := w.client.Client()
	must(t, restyv3.Install(w.client, w.src))

	w.mustGet(w.client.R(), "/cookie")
	if u, _ := url.Parse(w.cloud.APIURL); len(jar.Cookies(u)) != 1 {
		t.Error("the cookie jar got no cookie")
	}
	if res, err := w.client.R().Get("/redirect"); err != nil || res.StatusCode() != http.StatusFound {
		t.Errorf("a redirect gave %v, %v; want the client's redirect policy not to follow it", status(res), err)
	}
	if _, err := w.client.R().Get("/slow"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a slow answer gave %v; want the client's time-out", err)
	}
	if sends.Load() != 3 || middlewares != 3 || w.client.Client() != before {
		t.Errorf("%d sends through the client's own transport and %d middlewares, want 3 and 3, and the same http.Client", sends.Load(), middlewares)
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
	defer func() { _ = src.Close() }()
	must(t, restyv3.Install(w.client, src))
	w.mustGet(w.client.R(), "http://api.invalid/x")
	if h := proxy.all(); len(h) != 1 || !hasToken(h[0]) {
		t.Errorf("the proxy saw %d requests, want 1, with a token", len(h))
	}
}

func TestInstallKeepsTLS(t *testing.T) {
	w := newWorld(t, authtest.TLS())
	w.client.SetTLSClientConfig(&tls.Config{RootCAs: w.cloud.Transport().TLSClientConfig.RootCAs})
	must(t, restyv3.Install(w.client, w.src))
	w.mustGet(w.client.R(), "/v1/organizations")
}

// TestALoadBalancersHostsGetTokensByTheirOrigin: it chooses one after all other
// middlewares, and another for the next try.
func TestALoadBalancersHostsGetTokensByTheirOrigin(t *testing.T) {
	for _, way := range ways {
		t.Run(way, func(t *testing.T) {
			w := newWorld(t)
			elsewhere := newSeen(t, func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusServiceUnavailable) })
			hosts, err := resty.NewRoundRobin(elsewhere.URL, w.cloud.APIURL)
			must(t, err)
			w.client.SetLoadBalancer(hosts).SetRetryCount(1).SetRetryWaitTime(time.Millisecond).AddRetryConditions(resty.RetryConditionStatus5XX)
			w.add(way)
			for range 3 {
				if res := w.mustGet(w.client.R(), "/v1/organizations"); res.Request.Attempt != 2 {
					t.Errorf("%d tries, want 2", res.Request.Attempt)
				}
			}
			for _, h := range elsewhere.all() {
				if hasToken(h) {
					t.Error("a token went to a host that is not listed")
				}
			}
		})
	}
}

func TestUninstallGivesBackWhatWasThere(t *testing.T) {
	w := newWorld(t)
	own := &wrapper{w.client.Transport(), func(*http.Request) {}}
	w.client.SetTransport(own)
	for range 3 {
		must(t, restyv3.Install(w.client, w.src))
		w.mustGet(w.client.R(), "/v1/organizations")
		restyv3.Uninstall(w.client)
		if w.client.Transport() != http.RoundTripper(own) {
			t.Fatalf("the transport is a %T", w.client.Transport())
		}
		w.mustGetWithout(w.client.R(), "/v1/organizations")
	}
	restyv3.Uninstall(w.client)
	restyv3.Uninstall(nil)
	w.client.Client().Transport = nil // http.DefaultTransport
	must(t, restyv3.Install(w.client, w.src))
	w.mustGet(w.client.R(), "/v1/organizations")
	restyv3.Uninstall(w.client)
	if rt := w.client.Transport(); rt != nil {
		t.Fatalf("the transport was nil and is a %T", rt)
	}
}

func TestIdleConnectionsCloseThroughTheSocket(t *testing.T) {
	w := newWorld(t)
	closed := 0
	w.client.SetTransport(&closer{w.client.Transport(), &closed})
	must(t, restyv3.Install(w.client, w.src))
	w.client.Client().CloseIdleConnections()
	if closed != 1 {
		t.Error("CloseIdleConnections did not reach the client's own transport")
	}
}

type closer struct {
	http.RoundTripper
	closed *int
}

func (c *closer) CloseIdleConnections() { *c.closed++ }
