package restyv3_test

import (
	"bytes"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/contrib/restyv3"
	"github.com/authtrip/authtrip/nhn"
	"resty.dev/v3"
)

// world is an emulator, a Source of its tokens, a Resty client without any of
// them yet, and what that client logs.
type world struct {
	t      *testing.T
	cloud  *authtest.NHN
	src    *authtrip.Source
	client *resty.Client
	log    *logged
}

func newWorld(t *testing.T, options ...authtest.Option) *world {
	t.Helper()
	w := &world{t: t, cloud: authtest.NewNHN(options...), log: new(logged)}
	t.Cleanup(w.cloud.Close)
	w.src = w.source()
	w.client = w.newClient()
	return w
}

// source is another Source of the emulator's tokens.
func (w *world) source(options ...nhn.Option) *authtrip.Source {
	w.t.Helper()
	src, err := nhn.NewSource(w.cloud.Credentials(), append(w.cloud.Options(), options...)...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = src.Close() })
	return src
}

func (w *world) newClient() *resty.Client {
	client := resty.New().SetBaseURL(w.cloud.APIURL).SetLogger(w.log)
	w.t.Cleanup(func() {
		client.Client().CloseIdleConnections()
		_ = client.Close()
	})
	return client
}

// add has the client's requests carry tokens, by the way named: with all of
// Install, or with the middleware alone.
func (w *world) add(way string) {
	w.t.Helper()
	if way == "install" {
		must(w.t, restyv3.Install(w.client, w.src))
		return
	}
	w.client.AddRequestMiddleware(restyv3.Attach(w.src))
}

var ways = []string{"install", "attach"}

// token is the token in use.
func (w *world) token() string {
	w.t.Helper()
	tok, err := w.src.Token(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return tok.AccessToken()
}

// mustGet expects a 200 and returns the response.
func (w *world) mustGet(r *resty.Request, path string) *resty.Response {
	w.t.Helper()
	res, err := r.Get(path)
	if err != nil || res.StatusCode() != http.StatusOK {
		w.t.Fatalf("GET %s: %v, %v; want 200", path, status(res), err)
	}
	return res
}

// mustGetWithout expects the 401 of a request without a token.
func (w *world) mustGetWithout(r *resty.Request, path string) {
	w.t.Helper()
	if res, err := r.Get(path); err != nil || res.StatusCode() != http.StatusUnauthorized {
		w.t.Fatalf("GET %s: %v, %v; want the 401 of a request without a token", path, status(res), err)
	}
}

func status(res *resty.Response) int {
	if res == nil {
		return 0
	}
	return res.StatusCode()
}

// must fails the test on an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// mustSay expects an error that has every one of the texts in it.
func mustSay(t *testing.T, err error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want one that says %q", texts)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Fatalf("the error %q does not say %q", err, text)
		}
	}
}

// seen is a server on loopback that keeps the headers of what it is sent.
type seen struct {
	*httptest.Server
	mu      sync.Mutex
	headers []http.Header // guarded by mu
}

func newSeen(t *testing.T, h http.HandlerFunc) *seen {
	s := new(seen)
	s.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.headers = append(s.headers, r.Header.Clone())
		s.mu.Unlock()
		if h != nil {
			h(rw, r)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// all returns the headers of the requests so far.
func (s *seen) all() []http.Header {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]http.Header(nil), s.headers...)
}

// hasToken reports whether h has a token in any header that may carry one.
func hasToken(h http.Header) bool {
	return h.Get(nhn.HeaderAuthorization) != "" || h.Get(nhn.HeaderAuthentication) != "" || strings.HasPrefix(h.Get("Authorization"), "Bearer ")
}

// logged is a Resty logger that keeps what it is told.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (l *logged) Errorf(format string, v ...any) { l.printf("ERROR "+format, v) }
func (l *logged) Warnf(format string, v ...any)  { l.printf("WARN "+format, v) }
func (l *logged) Debugf(format string, v ...any) { l.printf("DEBUG "+format, v) }

func (l *logged) printf(format string, v []any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	log.New(&l.text, "", 0).Printf(format, v...)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// wrapper is a transport of the user's own.
type wrapper struct {
	http.RoundTripper
	before func(*http.Request)
}

func (w *wrapper) RoundTrip(r *http.Request) (*http.Response, error) {
	w.before(r)
	return w.RoundTripper.RoundTrip(r)
}

// bodyOf answers with what it was sent.
func bodyOf(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	rw.Header().Set("Content-Type", "text/plain")
	_, _ = rw.Write(body)
}

// newProxy answers in place of every server.
func newProxy(t *testing.T) *seen {
	return newSeen(t, func(rw http.ResponseWriter, r *http.Request) {
		if !r.URL.IsAbs() {
			http.Error(rw, "not a proxy request", http.StatusBadRequest)
		}
	})
}
