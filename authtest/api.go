package authtest

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/authtrip/authtrip/nhn"
)

// serveAPI checks the token and hands the request on.
func (s *NHN) serveAPI(w http.ResponseWriter, r *http.Request) {
	s.record("api", r)
	if s.accepts(r.Header) {
		s.api.ServeHTTP(w, r)
		return
	}
	// Read first, so that the connection can serve again.
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("WWW-Authenticate", `Bearer realm="emulator", error="invalid_token"`)
	writeJSON(w, http.StatusUnauthorized, envelope(false, 80007, "the token is not valid", nil))
}

// accepts reports whether the token headers in h carry one valid token.
func (s *NHN) accepts(h http.Header) bool {
	values := append(h.Values(nhn.HeaderAuthentication), h.Values(nhn.HeaderAuthorization)...)
	s.mu.Lock()
	defer s.mu.Unlock()
	ok := len(values) > 0
	for _, v := range values {
		token, isBearer := strings.CutPrefix(v, "Bearer ")
		g := s.tokens[token]
		ok = ok && v == values[0] && isBearer && g != nil && !g.revoked && time.Now().Before(g.expiry)
	}
	s.judged(ok)
	return ok
}

// echo is the default API.
func echo(w http.ResponseWriter, r *http.Request) {
	if members, ok := organizations(r); ok {
		writeJSON(w, http.StatusOK, envelope(true, 0, "SUCCESS", members))
		return
	}
	members, err := repeat(r)
	if err != nil {
		writeJSON(w, http.StatusBadRequest, envelope(false, -1, "the body broke off", nil))
		return
	}
	writeJSON(w, http.StatusOK, envelope(true, 0, "SUCCESS", members))
}

// organizations answers the framework API's first call.
func organizations(r *http.Request) (map[string]any, bool) {
	return map[string]any{
		"orgList": []any{map[string]any{"orgId": "emulated", "orgName": "Emulated organization"}},
	}, r.Method == http.MethodGet && r.URL.Path == "/v1/organizations"
}

// repeat says what was asked.
func repeat(r *http.Request) (map[string]any, error) {
	sum := sha256.New()
	n, err := io.Copy(sum, r.Body)
	return map[string]any{
		"method": r.Method, "path": r.URL.Path, "length": n, "sha256": hex.EncodeToString(sum.Sum(nil)),
	}, err
}

// envelope is that of NHN Cloud's services.
func envelope(ok bool, code any, message string, members map[string]any) map[string]any {
	e := map[string]any{"header": map[string]any{
		"isSuccessful": ok, "resultCode": code, "resultMessage": message,
	}}
	for k, v := range members {
		e[k] = v
	}
	return e
}
