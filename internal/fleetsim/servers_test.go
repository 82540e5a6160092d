package fleetsim

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// servers are an authorization server and an API that asks it about tokens.
type servers struct {
	world

	mu      sync.Mutex
	trouble func(*http.Request) (*http.Response, error) // guarded by mu; nil: none
	calls   int                                         // guarded by mu
	issued  int                                         // guarded by mu
	valid   map[string]time.Time                        // guarded by mu; until when a token is
}

func newServers(w world) *servers {
	return &servers{world: w, valid: map[string]time.Time{}}
}

// breakDown makes every token call end as trouble does; nil mends it.
func (s *servers) breakDown(trouble func(*http.Request) (*http.Response, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trouble = trouble
}

func (s *servers) revokeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.valid)
}

// restart returns how many token calls there were since the last time.
func (s *servers) restart() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.calls
	s.calls = 0
	return n
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// token is the token endpoint.
func (s *servers) token(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
	s.mu.Lock()
	s.calls++
	trouble := s.trouble
	s.mu.Unlock()
	if trouble != nil {
		return trouble(req)
	}
	if err := sleep(req.Context(), s.call); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.issued++
	token := fmt.Sprintf("token-%016d", s.issued)
	s.valid[token] = time.Now().Add(s.lifetime)
	return response(req, 200, fmt.Sprintf(`{"access_token":%q,"token_type":"Bearer","expires_in":%d}`, token, int(s.lifetime.Seconds()))), nil
}

// api takes the tokens that are valid.
func (s *servers) api(req *http.Request) (*http.Response, error) {
	if err := sleep(req.Context(), s.answer); err != nil {
		return nil, err
	}
	s.mu.Lock()
	until := s.valid[strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")]
	s.mu.Unlock()
	if time.Now().Before(until) {
		return response(req, 200, ""), nil
	}
	return response(req, 401, ""), nil
}

func response(req *http.Request, status int, body string) *http.Response {
	res := &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: http.NoBody,
	}
	if body != "" {
		res.Body, res.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	}
	return res
}

// unavailable says 503 at once.
func unavailable(req *http.Request) (*http.Response, error) { return response(req, 503, ""), nil }

// silent says nothing.
func silent(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}
