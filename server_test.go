package authtrip_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
)

// server is an authorization server for users that rotates refresh tokens,
// knows a code or refresh token that comes twice, and ends all that its owner
// has for that (RFC 9700 §4.14). It stands in for the network, too: what befalls
// a call is a func of the test.
type server struct {
	reply     func(map[string]any) // changes a reply
	keeps     bool                 // refresh tokens are not rotated
	noRefresh bool                 // replies have none
	lifetime  int                  // of access tokens, seconds; 0: 3600
	revoking  func() error         // what befalls revocations

	mu sync.Mutex
	// before and after, if set, are called for every token call, before the
	// server works on it and after, with which call it is, counted from 1. An
	// error before is that of a call the server never saw. Guarded by mu.
	before, after func(call int, r *http.Request) error

	n        int               // guarded by mu; what was made so far, to make names
	calls    []url.Values      // guarded by mu
	codes    map[string]string // guarded by mu; user by code, empty when it was used
	refresh  map[string]string // guarded by mu; user by live refresh token
	spent    map[string]string // guarded by mu; user by spent refresh token
	access   map[string]string // guarded by mu; user by live access token
	ended    map[string]int    // guarded by mu; how often reuse ended a user's tokens
	revoked  []string          // guarded by mu
	busy     int               // guarded by mu
	together int               // guarded by mu; the most calls at one time
}

func newServer() *server {
	return &server{codes: map[string]string{}, refresh: map[string]string{}, spent: map[string]string{}, access: map[string]string{}, ended: map[string]int{}}
}

// befall sets what befalls token calls from now on.
func (s *server) befall(before, after func(int, *http.Request) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before, s.after = before, after
}

// code is what the authorization page would give.
func (s *server) code(user string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
	code := fmt.Sprintf("code-%d-CANARY", s.n)
	s.codes[code] = user
	return code
}

// endAccess ends all access tokens, as a server may at any time.
func (s *server) endAccess() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.access)
}

// endAll ends refresh tokens too.
func (s *server) endAll() {
	s.endAccess()
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.refresh)
}

func (s *server) callCount() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.calls)
}

func (s *server) lastCall() url.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[len(s.calls)-1]
}

// reuses is how often a code or refresh token came twice.
func (s *server) reuses() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, v := range s.ended {
		n += v
	}
	return n
}

// live is the user's only refresh token.
func (s *server) live(user string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	live := ""
	for token, u := range s.refresh {
		if u == user {
			if live != "" {
				return "several"
			}
			live = token
		}
	}
	return live
}

// RoundTrip is the token and revocation endpoint.
func (s *server) RoundTrip(r *http.Request) (*http.Response, error) {
	form := r.URL.Query()
	if r.Body != nil {
		b, _ := io.ReadAll(r.Body)
		_ = r.Body.Close()
		if posted, err := url.ParseQuery(string(b)); err == nil && len(posted) > 0 {
			form = posted
		}
	}
	if strings.HasSuffix(r.URL.Path, "/revoke") {
		if s.revoking != nil {
			if err := s.revoking(); err != nil {
				return nil, err
			}
		}
		return s.revoke(r, form), nil
	}
	s.mu.Lock()
	s.calls = append(s.calls, form)
	call, before, after := len(s.calls), s.before, s.after
	s.busy++
	s.together = max(s.together, s.busy)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.busy--
		s.mu.Unlock()
	}()
	if before != nil {
		if err := before(call, r); err != nil {
			return nil, err
		}
	}
	status, fields := s.work(form)
	if after != nil {
		if err := after(call, r); err != nil {
			return nil, err
		}
	}
	return jsonReply(r, status, fields), nil
}

func (s *server) work(form url.Values) (int, map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var user string
	switch form.Get("grant_type") {
	case "authorization_code":
		code := form.Get("code")
		user = s.codes[code]
		if user == "" {
			return 400, map[string]any{"error": "invalid_grant", "error_description": "no such code " + code}
		}
		s.codes[code] = ""
	case "refresh_token":
		token := form.Get("refresh_token")
		if u := s.spent[token]; u != "" { // it was stolen, or its client is broken
			s.ended[u]++
			for t, owner := range s.refresh {
				if owner == u {
					delete(s.refresh, t)
				}
			}
		}
		user = s.refresh[token]
		if user == "" {
			return 400, map[string]any{"error": "invalid_grant", "error_description": "no such token " + token}
		}
		if !s.keeps {
			delete(s.refresh, token)
			s.spent[token] = user
		}
	default:
		return 400, map[string]any{"error": "unsupported_grant_type"}
	}
	s.n++
	fields := map[string]any{"access_token": fmt.Sprintf("access-%d-CANARY", s.n), "token_type": "bearer", "expires_in": 3600}
	if s.lifetime != 0 {
		fields["expires_in"] = s.lifetime
	}
	s.access[fields["access_token"].(string)] = user
	if !s.noRefresh && (!s.keeps || form.Get("grant_type") == "authorization_code") {
		fields["refresh_token"] = fmt.Sprintf("refresh-%d-CANARY", s.n)
		s.refresh[fields["refresh_token"].(string)] = user
	}
	if s.reply != nil {
		s.reply(fields)
	}
	return 200, fields
}

func (s *server) revoke(r *http.Request, form url.Values) *http.Response {
	s.mu.Lock()
	defer s.mu.Unlock()
	token := form.Get("token")
	s.revoked = append(s.revoked, form.Get("token_type_hint")+":"+token)
	delete(s.access, token)
	delete(s.refresh, token)
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody, Request: r}
}

// api is a resource server that knows whose token it gets.
func (s *server) api() http.RoundTripper {
	return roundTripFunc(func(r *http.Request) (*http.Response, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		user, ok := s.access[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
		if !ok {
			return jsonReply(r, 401, nil), nil
		}
		return jsonReply(r, 200, map[string]any{"user": user}), nil
	})
}

func jsonReply(r *http.Request, status int, fields map[string]any) *http.Response {
	b, _ := json.Marshal(fields)
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(bytes.NewReader(b)), ContentLength: int64(len(b)), Request: r,
	}
}

var errDial = &net.OpError{Op: "dial", Net: "tcp", Err: fmt.Errorf("connection refused")}

// user is the registration of a server for users.
func user(change ...func(*authtrip.Registration)) authtrip.Registration {
	r := registration()
	r.ID, r.Grant = "users", authtrip.AuthorizationCode
	r.AuthorizationEndpoint.URL = "https://auth.example/authorize"
	r.RevocationEndpoint.URL = "https://auth.example/revoke"
	r.RedirectURI = "https://app.example/callback"
	for _, c := range change {
		c(&r)
	}
	return r
}

// manager is one of a program that uses s.
func (s *server) manager(t *testing.T, o ...authtrip.Option) *authtrip.Manager {
	t.Helper()
	return s.managerOf(t, []authtrip.Registration{user()}, o...)
}

func (s *server) managerOf(t *testing.T, r []authtrip.Registration, o ...authtrip.Option) *authtrip.Manager {
	t.Helper()
	m, err := authtrip.NewManager(r, append([]authtrip.Option{authtrip.WithTokenTransport(s)}, o...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

// of is the Source of one principal.
func of(t *testing.T, m *authtrip.Manager, principal string) *authtrip.Source {
	t.Helper()
	src, err := m.SourceFor("users", principal)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// login gives the principal tokens.
func (s *server) login(t *testing.T, src *authtrip.Source, principal string) {
	t.Helper()
	if err := src.ExchangeCode(context.Background(), s.code(principal), nil); err != nil {
		t.Fatal(err)
	}
}

// whoami asks the API with the Source's token, and returns the user or the
// status.
func (s *server) whoami(ctx context.Context, src authtrip.Authorizer) (string, error) {
	client := &http.Client{Transport: &authtrip.Transport{Source: src, Base: s.api()}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://api.example/", nil)
	if err != nil {
		return "", err
	}
	res, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return "", err
	}
	if res.StatusCode != 200 {
		return res.Status, nil
	}
	return strings.TrimSuffix(strings.TrimPrefix(string(b), `{"user":"`), `"}`), nil
}

func (s *server) mustBe(t *testing.T, src authtrip.Authorizer, principal string) {
	t.Helper()
	if got, err := s.whoami(context.Background(), src); got != principal || err != nil {
		t.Fatalf("the API saw %q, error %v; want %q", got, err, principal)
	}
}

// slowly is a server that takes its time.
func slowly(d time.Duration) func(int, *http.Request) error { return atCall(func() { time.Sleep(d) }) }

func atCall(f func()) func(int, *http.Request) error {
	return func(int, *http.Request) error { f(); return nil }
}

// closing is a body that knows whether it was closed.
type closing struct {
	io.Reader
	closed atomic.Bool
}

func (c *closing) Close() error {
	c.closed.Store(true)
	return nil
}
