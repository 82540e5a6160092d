package authgrpc_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
)

// authServer issues tokens, ends them, counts, and fails on demand.
type authServer struct {
	mu       sync.Mutex
	calls    int              // guarded by mu
	valid    map[string]bool  // guarded by mu
	lifetime int              // in seconds; guarded by mu
	fault    http.HandlerFunc // guarded by mu; answers instead
}

func newAuthServer() *authServer {
	return &authServer{valid: map[string]bool{}, lifetime: 3600}
}

func (a *authServer) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	a.calls++
	fault := a.fault
	a.mu.Unlock()
	if fault != nil {
		fault(rw, r)
		return
	}
	if _, secret, ok := r.BasicAuth(); !ok || secret == "" {
		oauthError(400, "invalid_client")(rw, r)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	token := fmt.Sprintf("%s%d", tokenPrefix, a.calls)
	a.valid[token] = true
	rw.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(rw, `{"access_token":%q,"token_type":"Bearer","expires_in":%d}`, token, a.lifetime)
}

// answers makes it answer with fault until fault is nil.
func (a *authServer) answers(fault http.HandlerFunc) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fault = fault
}

func (a *authServer) revokeAll() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.valid)
}

func (a *authServer) accepts(header string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.valid[strings.TrimPrefix(header, "Bearer ")]
}

func (a *authServer) called() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.calls
}

func oauthError(code int, name string) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		rw.WriteHeader(code)
		_, _ = fmt.Fprintf(rw, `{"error":%q}`, name)
	}
}

func down(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(500) }

func hanging(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // else the caller's leaving is not noticed
	<-r.Context().Done()
}

// inProcess serves requests where there are no sockets.
type inProcess struct{ http.Handler }

func (h inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	return rec.Result(), nil
}
