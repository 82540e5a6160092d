package redisstore_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/contrib/redisstore"
	"github.com/redis/go-redis/v9"
)

// server is an authorization server with one user, whose refresh token is good
// once: when one comes a second time, all that the user has is ended (RFC 9700
// §4.14).
type server struct {
	url string

	mu sync.Mutex
	// before and after, if set, are called for each refresh, before the server
	// works on it and after. False is that there is no answer. Guarded by mu.
	before, after func() bool

	n      int             // guarded by mu; to make names
	calls  int             // guarded by mu; refreshes that came
	reuses int             // guarded by mu
	live   string          // guarded by mu; the refresh token
	spent  map[string]bool // guarded by mu; refresh tokens that were rotated
	access string          // guarded by mu; the access token that came last
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{spent: map[string]bool{}}
	served := httptest.NewServer(s)
	t.Cleanup(served.Close)
	s.url = served.URL
	return s
}

func (s *server) befall(before, after func() bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before, s.after = before, after
}

// endAccess ends the access token, as a server may at any time.
func (s *server) endAccess() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.access = ""
}

func (s *server) counts() (calls, reuses int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls, s.reuses
}

// ServeHTTP is the token endpoint, and an API at /api.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/api" {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.access == "" || r.Header.Get("Authorization") != "Bearer "+s.access {
			w.WriteHeader(http.StatusUnauthorized)
		}
		return
	}
	if err := r.ParseForm(); err != nil {
		panic(http.ErrAbortHandler)
	}
	isRefresh := r.Form.Get("grant_type") == "refresh_token"
	s.mu.Lock()
	before, after := s.before, s.after
	if isRefresh {
		s.calls++
	}
	s.mu.Unlock()
	if isRefresh && before != nil && !before() {
		panic(http.ErrAbortHandler)
	}
	reply, ok := s.work(isRefresh, r.Form.Get("refresh_token"))
	if isRefresh && after != nil && !after() {
		panic(http.ErrAbortHandler)
	}
	if !ok {
		w.WriteHeader(http.StatusBadRequest)
	}
	_ = json.NewEncoder(w).Encode(reply)
}

func (s *server) work(isRefresh bool, token string) (reply map[string]any, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if isRefresh {
		if s.spent[token] {
			s.reuses++
			s.live, s.access = "", ""
		}
		if token != s.live {
			return map[string]any{"error": "invalid_grant"}, false
		}
		s.spent[token] = true
	}
	s.n++
	s.live, s.access = fmt.Sprintf("refresh-%d", s.n), fmt.Sprintf("access-%d", s.n)
	return map[string]any{"access_token": s.access, "refresh_token": s.live, "token_type": "bearer", "expires_in": 3600}, true
}

// user is a user's login at the server, over a Store.
func user(t *testing.T, server string, store authtrip.Store, o ...authtrip.Option) *authtrip.Source {
	t.Helper()
	src, err := authtrip.NewSource(authtrip.Registration{
		ID: "users of " + server, Grant: authtrip.AuthorizationCode, ClientID: "id", ClientSecret: authtrip.NewSecret("secret"),
		TokenEndpoint: authtrip.Endpoint{URL: server + "/token"},
	}, append([]authtrip.Option{
		authtrip.WithStore(store),
		authtrip.Encryption{Keys: []authtrip.Secret{authtrip.NewSecret(base64.StdEncoding.EncodeToString(make([]byte, 32)))}},
	}, o...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = src.Close() })
	return src
}

// storeAt is a Store in the Redis at an address.
func storeAt(t *testing.T, addr string) authtrip.Store {
	t.Helper()
	return redisstore.New(open(t, &redis.Options{Addr: addr, ContextTimeoutEnabled: true, DialerRetries: 1, MaxRetries: -1}))
}

func login(t *testing.T, src *authtrip.Source) {
	t.Helper()
	if err := src.ExchangeCode(t.Context(), "code", nil); err != nil {
		t.Fatal(err)
	}
}

// another has another access token than the one in use. A machine may be so slow
// that the Store fails at first.
func another(src *authtrip.Source) error {
	var err error
	dropped := false
	for tries := 0; tries < 10 && !errors.Is(err, authtrip.ErrAuthorizationRequired); tries++ {
		var tok authtrip.Token
		if tok, err = src.Token(context.Background()); err == nil && dropped {
			return nil
		}
		if err == nil {
			src.Invalidate(tok)
			dropped = true
		}
	}
	return err
}

// ask asks the API, and returns its status.
func ask(src *authtrip.Source, server string) (string, error) {
	res, err := (&http.Client{Transport: &authtrip.Transport{Source: src}}).Get(server + "/api")
	if err != nil {
		return "", err
	}
	return res.Status, res.Body.Close()
}
