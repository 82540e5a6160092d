package authtrip_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
)

// What no origin but its own may see, in any part of a request.
const (
	hopToken = "t0ken-CANARY"
	hopKey   = "k3y-CANARY"
)

// hops are two real servers, one with TLS, that stand for every host and port
// there is: they redirect along a list and keep what they are sent.
type hops struct {
	base  *http.Transport
	roots *x509.CertPool

	mu     sync.Mutex
	answer func(step int, rw http.ResponseWriter, r *http.Request) // guarded by mu
	seen   []string                                                // guarded by mu; "scheme://host token key", "scheme://host -"
	dialed []string                                                // guarded by mu
}

// plainPorts are those of the server without TLS.
var plainPorts = []string{"80", "81", "8080", "8081"}

// newHops starts the servers, with a certificate for hosts.
func newHops(t *testing.T, http2 bool, hosts ...string) *hops {
	t.Helper()
	h := &hops{roots: x509.NewCertPool()}
	certificate := selfSigned(t, hosts...)
	h.roots.AddCert(certificate.Leaf)
	secure := httptest.NewUnstartedServer(h)
	secure.EnableHTTP2 = http2
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that a client ends
	secure.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	secure.StartTLS()
	t.Cleanup(secure.Close)
	plain := httptest.NewServer(h)
	t.Cleanup(plain.Close)
	h.base = &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: h.roots},
		ForceAttemptHTTP2: http2,
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			h.mu.Lock()
			h.dialed = append(h.dialed, address)
			h.mu.Unlock()
			server := secure
			if _, port, _ := net.SplitHostPort(address); slices.Contains(plainPorts, port) {
				server = plain
			}
			return (&net.Dialer{}).DialContext(ctx, "tcp", server.Listener.Addr().String())
		},
	}
	t.Cleanup(h.base.CloseIdleConnections)
	return h
}

// selfSigned is a certificate for hosts that is its own authority.
func selfSigned(t *testing.T, hosts ...string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "hops"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, BasicConstraintsValid: true, IsCA: true,
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			about.IPAddresses = append(about.IPAddresses, ip)
		} else {
			about.DNSNames = append(about.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, about, about, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// ServeHTTP implements [http.Handler].
func (h *hops) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	place := "http://" + r.Host
	if r.TLS != nil {
		place = "https://" + r.Host
	}
	dump, _ := httputil.DumpRequest(r, true)
	h.mu.Lock()
	step := len(h.seen)
	h.seen = append(h.seen, place+" "+carries(string(dump)))
	answer := h.answer
	h.mu.Unlock()
	if answer != nil {
		answer(step, rw, r)
	}
}

// carries says what of ours is anywhere in a text.
func carries(text string) string {
	var found []string
	for what, canary := range map[string]string{"token": hopToken, "key": hopKey} {
		if strings.Contains(text, canary) {
			found = append(found, what)
		}
	}
	slices.Sort(found)
	slices.Reverse(found)
	if len(found) == 0 {
		return "-"
	}
	return strings.Join(found, " ")
}

// begin forgets what was seen; from now on the servers redirect to each of the
// locations in turn, as they are written.
func (h *hops) begin(status int, locations ...string) {
	h.answering(func(step int, rw http.ResponseWriter, _ *http.Request) {
		if step < len(locations) {
			rw.Header().Set("Location", locations[step])
			rw.WriteHeader(status)
		}
	})
}

func (h *hops) answering(f func(step int, rw http.ResponseWriter, r *http.Request)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seen, h.dialed, h.answer = nil, nil, f
}

// saw returns what the servers saw, one a line.
func (h *hops) saw() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.seen, "\n")
}

// dials returns the addresses that were asked for.
func (h *hops) dials() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.dialed)
}

func (h *hops) want(t *testing.T, want ...string) {
	t.Helper()
	if got := h.saw(); got != strings.Join(want, "\n") {
		t.Errorf("seen:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
}

// hopping is a registration whose token and key are known by sight.
func hopping(headers []string, listed ...string) authtrip.Registration {
	r := registration()
	r.Headers, r.Origins = headers, listed
	if len(listed) > 0 && !slices.Contains(listed, "https://api.example") {
		return r
	}
	r.HostHeaders = map[string]map[string]authtrip.Secret{"api.example": keys("X-Tc-App-Key", hopKey)}
	return r
}

// client is one that sends the registration's tokens, and what it asked the
// authorization server for.
func (h *hops) client(t *testing.T, r authtrip.Registration) (*http.Client, *replies) {
	t.Helper()
	asked := &replies{bodies: []string{fmt.Sprintf(`{"access_token":%q,"expires_in":3600}`, hopToken)}}
	src := newSource(t, r, authtrip.WithTokenTransport(asked))
	return &http.Client{Transport: &authtrip.Transport{Source: src, Base: h.base}}, asked
}
