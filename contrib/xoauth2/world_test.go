package xoauth2_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/contrib/xoauth2"
)

// world is an authorization server and an API that accepts its last token, both
// on loopback.
type world struct {
	auth, api *httptest.Server

	mu         sync.Mutex
	tokenCalls []call           // guarded by mu
	apiCalls   []call           // guarded by mu
	issued     int              // guarded by mu
	revoked    int              // guarded by mu; this many of them
	lifetime   string           // guarded by mu; what follows the token in the reply
	answer     http.HandlerFunc // guarded by mu; the authorization server's, if not a token
}

// call is what of a request the other side may act upon.
type call struct {
	method, path, contentType, authorization string
	params                                   string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{lifetime: `,"expires_in":3600`}
	w.auth = httptest.NewServer(http.HandlerFunc(w.serveAuth))
	w.api = httptest.NewServer(http.HandlerFunc(w.serveAPI))
	t.Cleanup(w.auth.Close)
	t.Cleanup(w.api.Close)
	return w
}

func seen(r *http.Request) call {
	_ = r.ParseForm()
	return call{r.Method, r.URL.Path, r.Header.Get("Content-Type"), r.Header.Get("Authorization"), r.Form.Encode()}
}

func (w *world) serveAuth(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	w.tokenCalls = append(w.tokenCalls, seen(r))
	answer := w.answer
	if answer == nil {
		w.issued++
		rw.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(rw, `{"access_token":"token-%d","token_type":"bearer"%s}`, w.issued, w.lifetime)
	}
	w.mu.Unlock()
	if answer != nil {
		answer(rw, r)
	}
}

func (w *world) serveAPI(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.apiCalls = append(w.apiCalls, seen(r))
	if n := 0; w.issued == w.revoked || !scan(r.Header.Get("Authorization"), &n) || n <= w.revoked {
		rw.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		rw.WriteHeader(http.StatusUnauthorized)
	}
}

func scan(authorization string, n *int) bool {
	_, err := fmt.Sscanf(authorization, "Bearer token-%d", n)
	return err == nil
}

// revokeAll ends every token that was issued.
func (w *world) revokeAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.revoked = w.issued
}

func (w *world) answers(status int, body string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answer = func(rw http.ResponseWriter, _ *http.Request) {
		rw.WriteHeader(status)
		_, _ = rw.Write([]byte(body))
	}
}

func (w *world) counts() (tokenCalls, apiCalls int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.tokenCalls), len(w.apiCalls)
}

// calls returns what both sides saw since the last time.
func (w *world) calls() (tokenCalls, apiCalls []call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	tokenCalls, apiCalls = w.tokenCalls, w.apiCalls
	w.tokenCalls, w.apiCalls, w.issued, w.revoked = nil, nil, 0, 0
	return tokenCalls, apiCalls
}

func (w *world) config() *clientcredentials.Config {
	return &clientcredentials.Config{
		ClientID: "shop", ClientSecret: "s3cret-s3cret", TokenURL: w.auth.URL + "/token",
		AuthStyle: oauth2.AuthStyleInHeader,
		Scopes:    []string{"pay", "refund"}, EndpointParams: url.Values{"audience": {"bank"}},
	}
}

// source is a Source of the world's registration.
func (w *world) source(t *testing.T, options ...authtrip.Option) *authtrip.Source {
	t.Helper()
	return newSource(t, xoauth2.FromClientCredentials("shop", w.config()), options...)
}

func newSource(t *testing.T, reg authtrip.Registration, options ...authtrip.Option) *authtrip.Source {
	t.Helper()
	src, err := authtrip.NewSource(reg, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = src.Close() })
	return src
}

// get sends a GET and returns its status, or 0 and the error.
func get(client *http.Client, url string) (int, error) {
	res, err := client.Get(url)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close() //nolint:errcheck // it is read to its end
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}

// want sends n GETs, each of which must get that status.
func (w *world) want(t *testing.T, client *http.Client, n, status int) {
	t.Helper()
	for range n {
		if got, err := get(client, w.api.URL+"/orders"); got != status {
			t.Fatalf("status %d (%v), want %d", got, err, status)
		}
	}
}

// tokenFunc is a TokenSource that keeps nothing.
type tokenFunc func() (*oauth2.Token, error)

func (f tokenFunc) Token() (*oauth2.Token, error) { return f() }

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// apiStub is an API in a bubble, where no socket is seen: it accepts what
// accepts says, and notes the tokens.
type apiStub struct {
	accepts func(token string) bool

	mu   sync.Mutex
	sent []string // guarded by mu
}

func (a *apiStub) RoundTrip(r *http.Request) (*http.Response, error) {
	token := r.Header.Get("Authorization")[len("Bearer "):]
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sent = append(a.sent, token)
	status := http.StatusOK
	if !a.accepts(token) {
		status = http.StatusUnauthorized
	}
	return &http.Response{StatusCode: status, Body: http.NoBody, Request: r}, nil
}

func (a *apiStub) distinct() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Compact(slices.Clone(a.sent))
}

// counted is a TokenSource of tokens that last an hour, each another.
type counted struct {
	mu       sync.Mutex
	calls    int           // guarded by mu
	lifetime time.Duration // of its tokens; 0 is an hour, less is unknown
}

func (c *counted) Token() (*oauth2.Token, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	tok := &oauth2.Token{AccessToken: fmt.Sprintf("token-%d", c.calls), TokenType: "Bearer", RefreshToken: theRefreshToken}
	switch {
	case c.lifetime == 0:
		tok.Expiry = time.Now().Add(time.Hour)
	case c.lifetime > 0:
		tok.Expiry = time.Now().Add(c.lifetime)
	}
	return tok, nil
}

func (c *counted) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls
}

const theRefreshToken = "r3fresh-r3fresh"
