package middleware_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"sync"
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/nhn"
	"github.com/go-resty/resty/v2"
)

const (
	hopToken = "t0ken-CANARY"
	hopKey   = "k3y-CANARY"
)

// hops are two real servers, one with TLS, that stand for every host and port:
// they redirect along a list and keep what they are sent.
type hops struct {
	base *http.Transport

	mu        sync.Mutex
	status    int      // guarded by mu
	locations []string // guarded by mu
	seen      []string // guarded by mu; "scheme://host token key", "scheme://host -"
}

func newHops(t *testing.T) *hops {
	t.Helper()
	h := new(hops)
	secure := httptest.NewUnstartedServer(h)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS() // its certificate is for example.com and its subdomains
	t.Cleanup(secure.Close)
	plain := httptest.NewServer(h)
	t.Cleanup(plain.Close)
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())
	h.base = &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots},
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			server := secure
			if strings.HasSuffix(address, ":80") || strings.HasSuffix(address, ":8080") {
				server = plain
			}
			return (&net.Dialer{}).DialContext(ctx, "tcp", server.Listener.Addr().String())
		},
	}
	t.Cleanup(h.base.CloseIdleConnections)
	return h
}

// ServeHTTP implements [http.Handler].
func (h *hops) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	place := "http://" + r.Host
	if r.TLS != nil {
		place = "https://" + r.Host
	}
	dump, _ := httputil.DumpRequest(r, true)
	found := ""
	if strings.Contains(string(dump), hopToken) {
		found += " token"
	}
	if strings.Contains(string(dump), hopKey) {
		found += " key"
	}
	if found == "" {
		found = " -"
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seen = append(h.seen, place+found)
	if step := len(h.seen) - 1; step < len(h.locations) {
		rw.Header().Set("Location", h.locations[step])
		rw.WriteHeader(h.status)
	}
}

// begin forgets what was seen; the servers redirect to the locations in turn.
func (h *hops) begin(status int, locations ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seen, h.status, h.locations = nil, status, locations
}

func (h *hops) want(t *testing.T, want ...string) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if got := strings.Join(h.seen, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("seen:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
}

// source gives a token that is known by sight, with a key for api.example.com.
func (h *hops) source(t *testing.T, headers []string, listed ...string) *authtrip.Source {
	t.Helper()
	src, err := authtrip.NewSource(authtrip.Registration{
		ID: "test", ClientID: "id", ClientSecret: authtrip.NewSecret("secret"),
		TokenEndpoint: authtrip.Endpoint{URL: "https://auth.example.com/token"},
		Headers:       headers, Origins: listed, AllowHTTP: []string{"api.example.com"},
		HostHeaders: map[string]map[string]authtrip.Secret{"api.example.com": {nhn.HeaderRDSAppKey: authtrip.NewSecret(hopKey)}},
	}, authtrip.WithTokenTransport(answering(func(r *http.Request) (*http.Response, error) {
		body := `{"access_token":"` + hopToken + `","expires_in":3600}`
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	})))
	must(t, err)
	t.Cleanup(func() { _ = src.Close() })
	return src
}

// answering is a transport that is a func.
type answering func(*http.Request) (*http.Response, error)

func (f answering) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// client is a Resty client over the servers.
func (h *hops) client() *resty.Client {
	return resty.New().SetTransport(h.base).SetLogger(new(logged)).
		SetRedirectPolicy(resty.FlexibleRedirectPolicy(10))
}
