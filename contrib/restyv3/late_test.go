package restyv3_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/contrib/restyv3"
	"resty.dev/v3"
)

// What is called after Install: each works, or is refused, or logs that it did
// not, and has a way out.

func TestI12_SetTransportAfterInstallIsRefusedUntilInstallIsCalledAgain(t *testing.T) {
	w, other := newWorld(t), newWorld(t)
	must(t, restyv3.Install(w.client, w.src))
	must(t, restyv3.Install(w.client, other.src))
	w.mustGet(w.client.R(), "/v1/organizations")

	w.client.SetTransport(&http.Transport{})
	_, err := w.client.R().Get("/v1/organizations")
	mustSay(t, err, "*http.Transport", "call Install again")
	if c := w.cloud.Counts(); c.Rejected != 0 {
		t.Errorf("%d requests went without a token", c.Rejected)
	}

	must(t, restyv3.Install(w.client, w.src))
	w.mustGet(w.client.R(), "/v1/organizations")
	w.mustGet(w.client.R(), other.cloud.APIURL+"/v1/organizations") // its Source is there still
}

func TestATransportAroundTheInstalledOneIsRefusedToo(t *testing.T) {
	w := newWorld(t)
	must(t, restyv3.Install(w.client, w.src))
	around := 0
	w.client.SetTransport(&wrapper{w.client.Transport(), func(*http.Request) { around++ }})
	_, err := w.client.R().Get("/v1/organizations")
	mustSay(t, err, "*restyv3_test.wrapper", "call Install again")

	must(t, restyv3.Install(w.client, w.src))
	w.cloud.RevokeAll()
	w.mustGet(w.client.R(), "/v1/organizations")
	if c := w.cloud.Counts(); around != 1 || c.TokenCalls != 1 {
		t.Errorf("%d sends through the wrapper, %d token calls; want 1 and 1", around, c.TokenCalls)
	}

	restyv3.Uninstall(w.client)
	w.mustGet(w.client.R(), "/v1/organizations") // there is a token under the wrapper still
}

func TestUninstallEndsTheRefusal(t *testing.T) {
	w := newWorld(t)
	must(t, restyv3.Install(w.client, w.src))
	installed := w.client.Transport()
	w.client.SetTransport(&http.Transport{})
	restyv3.Uninstall(w.client)
	w.mustGetWithout(w.client.R(), "/v1/organizations")

	must(t, restyv3.Install(w.client, w.src))
	w.client.SetTransport(&wrapper{installed, func(*http.Request) {}})
	restyv3.Uninstall(w.client)
	w.mustGet(w.client.R(), "/v1/organizations") // whose transport has one of Install's inside
	if _, ok := w.client.Transport().(*wrapper); !ok {
		t.Errorf("Uninstall took off a %T that was not Install's", w.client.Transport())
	}
}

func TestSetProxyAfterInstallOnlyLogs(t *testing.T) {
	w := newWorld(t)
	must(t, restyv3.Install(w.client, w.src))
	proxy := newProxy(t)

	w.client.SetProxy(proxy.URL)
	w.mustGet(w.client.R(), "/v1/organizations")
	if w.client.IsProxySet() || len(proxy.all()) != 0 || !strings.Contains(w.log.String(), "not a http.Transport") {
		t.Fatalf("proxy set: %v, requests through it: %d, log: %q", w.client.IsProxySet(), len(proxy.all()), w.log)
	}

	restyv3.Uninstall(w.client)
	w.client.SetProxy(proxy.URL)
	must(t, restyv3.Install(w.client, w.src))
	w.mustGet(w.client.R(), "/v1/organizations")
	if h := proxy.all(); len(h) != 1 || !hasToken(h[0]) {
		t.Errorf("the proxy saw %d requests, want 1, with a token", len(h))
	}

	w.client.RemoveProxy() // the same trap: the proxy stays
	w.mustGet(w.client.R(), "/v1/organizations")
	if len(proxy.all()) != 2 {
		t.Errorf("the proxy saw %d requests, want 2", len(proxy.all()))
	}
}

// TestTLSIsSetAfterInstallAsBefore, where Resty can reach it.
func TestTLSIsSetAfterInstallAsBefore(t *testing.T) {
	for name, under := range map[string]func(http.RoundTripper) http.RoundTripper{
		"over an http.Transport":     func(rt http.RoundTripper) http.RoundTripper { return rt },
		"over a TLSClientConfiger":   func(rt http.RoundTripper) http.RoundTripper { return &configured{rt.(*http.Transport)} },
		"over another client's with": func(rt http.RoundTripper) http.RoundTripper { return installed(t, rt) },
	} {
		for call, set := range map[string]func(*world){
			"SetTLSClientConfig": func(w *world) {
				w.client.SetTLSClientConfig(&tls.Config{RootCAs: w.cloud.Transport().TLSClientConfig.RootCAs})
			},
			"SetRootCertificateFromString": func(w *world) { w.client.SetRootCertificateFromString(w.root()) },
			"SetCertificates, and TLSClientConfig": func(w *world) {
				w.client.SetCertificates(tls.Certificate{})
				if n := len(w.client.TLSClientConfig().Certificates); n != 1 {
					t.Errorf("%d certificates, want 1", n)
				}
				w.client.TLSClientConfig().Certificates = nil
				w.client.TLSClientConfig().RootCAs = w.cloud.Transport().TLSClientConfig.RootCAs
			},
		} {
			t.Run(name+", "+call, func(t *testing.T) {
				w := newWorld(t, authtest.TLS())
				w.client.SetTransport(under(&http.Transport{}))
				must(t, restyv3.Install(w.client, w.src))
				set(w)
				w.mustGet(w.client.R(), "/v1/organizations")
				if log := w.log.String(); log != "" {
					t.Errorf("the log says %s", log)
				}
				w.client.Transport().(interface{ CloseIdleConnections() }).CloseIdleConnections()
			})
		}
	}
}

// installed returns the transport of a client over rt after Install.
func installed(t *testing.T, rt http.RoundTripper) http.RoundTripper {
	client := resty.New().SetTransport(rt)
	must(t, restyv3.Install(client, newWorld(t).src))
	return client.Transport()
}

// configured is a user's own TLSClientConfiger.
type configured struct{ base *http.Transport }

func (c *configured) RoundTrip(r *http.Request) (*http.Response, error) { return c.base.RoundTrip(r) }
func (c *configured) CloseIdleConnections()                             { c.base.CloseIdleConnections() }
func (c *configured) SetTLSClientConfig(config *tls.Config) error {
	c.base.TLSClientConfig = config
	return nil
}
func (c *configured) TLSClientConfig() *tls.Config {
	if c.base.TLSClientConfig == nil {
		c.base.TLSClientConfig = new(tls.Config)
	}
	return c.base.TLSClientConfig
}

// root is the emulator's certificate.
func (w *world) root() string {
	conn, err := tls.Dial("tcp", strings.TrimPrefix(w.cloud.APIURL, "https://"), &tls.Config{RootCAs: w.cloud.Transport().TLSClientConfig.RootCAs})
	must(w.t, err)
	defer func() { _ = conn.Close() }()
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: conn.ConnectionState().PeerCertificates[0].Raw}))
}

// TestTLSThatNobodyReadsIsLogged: over a transport that has none to set, Resty
// says so, with Install and without.
func TestTLSThatNobodyReadsIsLogged(t *testing.T) {
	w := newWorld(t, authtest.TLS())
	w.client.SetTransport(&wrapper{w.client.Transport(), func(*http.Request) {}})
	must(t, restyv3.Install(w.client, w.src))
	w.client.SetTLSClientConfig(&tls.Config{RootCAs: w.cloud.Transport().TLSClientConfig.RootCAs}).SetCertificates(tls.Certificate{})
	_, err := w.client.R().Get("/v1/organizations")
	if unknown := (x509.UnknownAuthorityError{}); !errors.As(err, &unknown) || strings.Count(w.log.String(), "not a http.Transport") != 2 {
		t.Fatalf("error %v, log %q", err, w.log)
	}
}

func TestI13_AttachWhoseSocketWasDisplacedRefuses(t *testing.T) {
	w := newWorld(t)
	w.client.AddRequestMiddleware(restyv3.Attach(w.src))
	w.mustGet(w.client.R(), "/v1/organizations")
	w.client.SetTransport(&http.Transport{})
	for range 2 {
		_, err := w.client.R().Get("/v1/organizations")
		mustSay(t, err, "*http.Transport", "Attach, Uninstall")
	}
	if c := w.cloud.Counts(); c.Rejected != 0 {
		t.Errorf("%d requests went without a token", c.Rejected)
	}
	restyv3.Uninstall(w.client)
	w.mustGet(w.client.R(), "/v1/organizations")
}

func TestSetTransportBeforeTheFirstRequestOfAttachIsFine(t *testing.T) {
	w := newWorld(t)
	w.client.AddRequestMiddleware(restyv3.Attach(w.src))
	sends := 0
	w.client.SetTransport(&wrapper{w.client.Transport(), func(*http.Request) { sends++ }})
	w.mustGet(w.client.R(), "/v1/organizations")
	if sends != 1 {
		t.Errorf("%d sends through the user's transport, want 1", sends)
	}
}
