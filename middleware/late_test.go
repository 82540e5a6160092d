package middleware_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/middleware"
	"github.com/authtrip/authtrip/nhn"
	"github.com/go-resty/resty/v2"
)

// What is called after Install: each works, or is refused, or logs that it did
// not, and has a way out.

func TestI12_SetTransportAfterInstallIsRefusedUntilInstallIsCalledAgain(t *testing.T) {
	w := newWorld(t)
	must(t, middleware.Install(w.client, w.src))
	w.mustGet(w.client.R(), "/v1/organizations")

	w.client.SetTransport(&http.Transport{})
	_, err := w.client.R().Get("/v1/organizations")
	mustSay(t, err, "*http.Transport", "call Install again")
	if c := w.cloud.Counts(); c.Rejected != 0 {
		t.Errorf("%d requests went without a token", c.Rejected)
	}

	must(t, middleware.Install(w.client, w.src))
	w.mustGet(w.client.R(), "/v1/organizations")
}

func TestATransportAroundTheInstalledOneIsRefusedToo(t *testing.T) {
	w := newWorld(t)
	must(t, middleware.Install(w.client, w.src))
	around := 0
	w.client.SetTransport(&wrapper{w.client.GetClient().Transport, func(*http.Request) { around++ }})
	_, err := w.client.R().Get("/v1/organizations")
	mustSay(t, err, "*middleware_test.wrapper", "call Install again")

	must(t, middleware.Install(w.client, w.src))
	w.cloud.RevokeAll()
	w.mustGet(w.client.R(), "/v1/organizations")
	if c := w.cloud.Counts(); around != 1 || c.TokenCalls != 1 {
		t.Errorf("%d sends through the wrapper, %d token calls; want 1 and 1", around, c.TokenCalls)
	}
}

func TestI16_ARefusedRequestsBodyIsClosed(t *testing.T) {
	w := newWorld(t)
	must(t, middleware.Install(w.client, w.src))
	installed := w.client.GetClient().Transport
	w.client.SetTransport(&http.Transport{})
	body := &closing{Reader: strings.NewReader("body")}
	req, err := http.NewRequest(http.MethodPost, w.cloud.APIURL, body)
	must(t, err)
	res, err := installed.RoundTrip(req)
	if err == nil {
		_ = res.Body.Close()
	}
	mustSay(t, err, "*http.Transport")
	if !body.closed {
		t.Error("the body was left open")
	}
}

type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error { c.closed = true; return nil }

// TestInstallAgainServesForAHookThatWasDisplacedToo: the hook has nothing to do
// beside Install.
func TestInstallAgainServesForAHookThatWasDisplacedToo(t *testing.T) {
	w := newWorld(t)
	w.client.OnBeforeRequest(middleware.BeforeRequest(w.src))
	w.mustGet(w.client.R(), "/v1/organizations")
	must(t, middleware.Install(w.client, w.src))
	w.client.SetTransport(&http.Transport{})
	must(t, middleware.Install(w.client, w.src))
	w.mustGet(w.client.R(), "/v1/organizations")
}

func TestUninstallEndsTheRefusal(t *testing.T) {
	w := newWorld(t)
	must(t, middleware.Install(w.client, w.src))
	installed := w.client.GetClient().Transport
	w.client.SetTransport(&http.Transport{})
	middleware.Uninstall(w.client)
	if res, err := w.client.R().Get("/v1/organizations"); err != nil || res.StatusCode() != 401 {
		t.Fatalf("%v, %v; want the 401 of a request without a token", status(res), err)
	}

	w.client.SetTransport(&wrapper{installed, func(*http.Request) {}})
	w.mustGet(w.client.R(), "/v1/organizations") // whose transport has Install's inside
	middleware.Uninstall(w.client)
	if _, ok := w.client.GetClient().Transport.(*wrapper); !ok {
		t.Errorf("Uninstall took off a %T that was not Install's", w.client.GetClient().Transport)
	}
}

// TestI12_ClonesAreRefusedToo: they share the http.Client, and its transport.
func TestI12_ClonesAreRefusedToo(t *testing.T) {
	for name, clone := range map[string]func(*world) *resty.Client{
		"made before, given to Install": func(w *world) *resty.Client {
			c := w.client.Clone()
			must(t, middleware.Install(w.client, w.src))
			must(t, middleware.Install(c, w.src))
			return c
		},
		"made after": func(w *world) *resty.Client {
			must(t, middleware.Install(w.client, w.src))
			return w.client.Clone()
		},
		"another over the same http.Client": func(w *world) *resty.Client {
			must(t, middleware.Install(w.client, w.src))
			c := resty.NewWithClient(w.client.GetClient()).SetBaseURL(w.cloud.APIURL).SetLogger(w.log)
			must(t, middleware.Install(c, w.src))
			return c
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c := clone(w)
			w.mustGet(c.R(), "/v1/organizations")
			c.SetTransport(&http.Transport{})
			for _, client := range []*resty.Client{c, w.client} {
				_, err := client.R().Get("/v1/organizations")
				mustSay(t, err, "call Install again")
			}
		})
	}
}

// TestI12_ACopyOfTheHTTPClientKeepsItsTokens whatever becomes of the client.
func TestI12_ACopyOfTheHTTPClientKeepsItsTokens(t *testing.T) {
	for name, change := range map[string]func(*world){
		"Install again": func(w *world) {
			w.client.SetTransport(&http.Transport{})
			must(t, middleware.Install(w.client, w.src))
		},
		"Uninstall": func(w *world) { middleware.Uninstall(w.client) },
		"Uninstall and Install": func(w *world) {
			middleware.Uninstall(w.client)
			must(t, middleware.Install(w.client, w.src))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			must(t, middleware.Install(w.client, w.src))
			copied := *w.client.GetClient()
			change(w)
			w.cloud.RevokeAll()
			res, err := copied.Get(w.cloud.APIURL + "/v1/organizations")
			must(t, err)
			_ = res.Body.Close()
			if res.StatusCode != 200 {
				t.Errorf("status %d, want 200", res.StatusCode)
			}
		})
	}
}

func TestSetProxyAfterInstallOnlyLogs(t *testing.T) {
	w := newWorld(t)
	must(t, middleware.Install(w.client, w.src))
	proxy := newProxy(t)

	w.client.SetProxy(proxy.URL)
	w.mustGet(w.client.R(), "/v1/organizations")
	if w.client.IsProxySet() || len(proxy.all()) != 0 || !strings.Contains(w.log.String(), "not an *http.Transport") {
		t.Fatalf("proxy set: %v, requests through it: %d, log: %q", w.client.IsProxySet(), len(proxy.all()), w.log)
	}

	middleware.Uninstall(w.client)
	w.client.SetProxy(proxy.URL)
	must(t, middleware.Install(w.client, w.src))
	w.mustGet(w.client.R(), "/v1/organizations")
	if h := proxy.all(); len(h) != 1 || h[0].Get(nhn.HeaderAuthorization) == "" {
		t.Errorf("the proxy saw %d requests, want 1, with a token", len(h))
	}

	w.client.RemoveProxy() // the same trap: the proxy stays
	w.mustGet(w.client.R(), "/v1/organizations")
	if len(proxy.all()) != 2 {
		t.Errorf("the proxy saw %d requests, want 2", len(proxy.all()))
	}
}

func TestSetTLSClientConfigAfterInstallOnlyLogs(t *testing.T) {
	w := newWorld(t, authtest.TLS())
	roots := w.cloud.Transport().TLSClientConfig.RootCAs
	must(t, middleware.Install(w.client, w.src))

	w.client.SetTLSClientConfig(&tls.Config{RootCAs: roots})
	_, err := w.client.R().Get("/v1/organizations")
	if unknown := (x509.UnknownAuthorityError{}); !errors.As(err, &unknown) || !strings.Contains(w.log.String(), "not an *http.Transport") {
		t.Fatalf("error %v, log %q", err, w.log)
	}

	middleware.Uninstall(w.client)
	w.client.SetTLSClientConfig(&tls.Config{RootCAs: roots})
	must(t, middleware.Install(w.client, w.src))
	w.mustGet(w.client.R(), "/v1/organizations")
}

func TestI12_SetDigestAuthIsRefusedBeforeAndAfterInstall(t *testing.T) {
	for name, order := range map[string]func(*world){
		"after": func(w *world) {
			must(t, middleware.Install(w.client, w.src))
			w.client.SetDigestAuth("user", "password")
		},
		"before": func(w *world) {
			w.client.SetDigestAuth("user", "password")
			must(t, middleware.Install(w.client, w.src))
		},
		"before, and the client was used": func(w *world) {
			w.client.SetDigestAuth("user", "password")
			_, _ = w.client.R().Get("http://127.0.0.1:1/") // fails, which leaves the digest transport in place
			mustSay(t, middleware.Install(w.client, w.src), "SetDigestAuth")
		},
		"before, and a hook": func(w *world) {
			w.client.SetDigestAuth("user", "password")
			w.client.OnBeforeRequest(middleware.BeforeRequest(w.src))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			order(w)
			for range 2 {
				if strings.HasSuffix(name, "used") {
					break
				}
				_, err := w.client.R().Get("/v1/organizations")
				mustSay(t, err, "SetDigestAuth", "another client")
			}
			if c := w.cloud.Counts(); c.Accepted+c.Rejected != 0 {
				t.Errorf("%+v; want no request", c)
			}
		})
	}
}

// TestSetDigestAuthAfterAHook is the one order that cannot be seen in time: the
// first request goes without a token, and the second is refused.
func TestSetDigestAuthAfterAHook(t *testing.T) {
	w := newWorld(t)
	w.client.OnBeforeRequest(middleware.BeforeRequest(w.src)).SetDigestAuth("user", "password")
	_, err := w.client.R().Get("/v1/organizations")
	mustSay(t, err, "digest: challenge is bad") // the 401 to a request without a token
	_, err = w.client.R().Get("/v1/organizations")
	mustSay(t, err, "SetDigestAuth")
	if c := w.cloud.Counts(); c.Accepted != 0 || c.Rejected != 1 {
		t.Errorf("%+v; want one request, rejected", c)
	}
}

func TestSetTransportBeforeTheFirstRequestOfAHookIsFine(t *testing.T) {
	w := newWorld(t)
	w.client.OnBeforeRequest(middleware.BeforeRequest(w.src))
	sends := 0
	w.client.SetTransport(&wrapper{w.client.GetClient().Transport, func(*http.Request) { sends++ }})
	w.mustGet(w.client.R(), "/v1/organizations")
	if sends != 1 {
		t.Errorf("%d sends through the user's transport, want 1", sends)
	}
}

func TestI13_AHookWhoseGuardWasDisplacedRefuses(t *testing.T) {
	w := newWorld(t)
	w.client.OnBeforeRequest(middleware.BeforeRequest(w.src))
	w.mustGet(w.client.R(), "/v1/organizations")
	w.client.SetTransport(&http.Transport{})
	for range 2 {
		_, err := w.client.R().Get("/v1/organizations")
		mustSay(t, err, "*http.Transport", "BeforeRequest, Uninstall")
	}
	if c := w.cloud.Counts(); c.Rejected != 0 {
		t.Errorf("%d requests went without a token", c.Rejected)
	}
	middleware.Uninstall(w.client)
	w.mustGet(w.client.R(), "/v1/organizations")
}
