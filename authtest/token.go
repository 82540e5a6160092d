package authtest

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const maxForm = 64 << 10

// serveAuth is the authorization server.
func (s *NHN) serveAuth(w http.ResponseWriter, r *http.Request) {
	s.record("auth", r)
	// Read first: net/http notices that a caller left only once the body was.
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if err != nil {
		oauthError(w, http.StatusBadRequest, "invalid_request", "the body could not be read")
		return
	}
	switch r.URL.Path {
	case "/oauth2/token/create":
		defer s.beginTokenCall()()
		f := s.nextFault()
		if f != nil && s.strike(f, w, r) {
			return
		}
		if form := s.checkedForm(w, r, body); form != nil && r.Context().Err() == nil {
			s.issue(w, form, f != nil && f.SameToken)
		}
	case "/oauth2/token/revoke":
		if form := s.checkedForm(w, r, body); form != nil {
			s.revoke(w, form)
		}
	default:
		http.NotFound(w, r)
	}
}

// checkedForm returns the parameters of a request that is as it must be; to
// another it answers, and returns nil.
func (s *NHN) checkedForm(w http.ResponseWriter, r *http.Request, body []byte) url.Values {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		oauthError(w, http.StatusMethodNotAllowed, "invalid_request", "use POST")
		return nil
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		oauthError(w, http.StatusBadRequest, "invalid_request", "the Content-Type is not application/x-www-form-urlencoded")
		return nil
	}
	if id, secret, ok := r.BasicAuth(); !ok || id != s.userAccessKeyID || secret != s.secretAccessKey {
		w.Header().Set("WWW-Authenticate", `Basic realm="emulator"`)
		oauthError(w, http.StatusUnauthorized, "invalid_client", "")
		return nil
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		oauthError(w, http.StatusBadRequest, "invalid_request", "the body is no form")
		return nil
	}
	for name, values := range form {
		if len(values) > 1 {
			oauthError(w, http.StatusBadRequest, "invalid_request", "a parameter is repeated: "+name)
			return nil
		}
	}
	return form
}

// issue is POST /oauth2/token/create.
func (s *NHN) issue(w http.ResponseWriter, form url.Values, same bool) {
	switch form.Get("grant_type") {
	case "client_credentials":
	case "":
		oauthError(w, http.StatusBadRequest, "invalid_request", "grant_type is missing")
		return
	default:
		oauthError(w, http.StatusBadRequest, "unsupported_grant_type", "")
		return
	}
	s.mu.Lock()
	now := time.Now()
	g := s.latest
	if !same || g == nil || g.revoked || !now.Before(g.expiry) {
		g = &grant{token: rand.Text() + rand.Text(), issued: now, expiry: now.Add(s.lifetime)}
		s.tokens[g.token], s.latest = g, g
		s.counts.Issued++
		s.forgetOld(now)
	}
	reply := map[string]any{
		"grant_type": "client_credentials", "access_token": g.token, "token_type": "Bearer",
		"expires_in": json.Number(strconv.FormatFloat(g.expiry.Sub(now).Seconds(), 'f', -1, 64)),
	}
	s.mu.Unlock()
	writeJSON(w, http.StatusOK, reply)
}

// forgetOld keeps the set of tokens small in long runs. s.mu is held.
func (s *NHN) forgetOld(now time.Time) {
	if len(s.tokens)%1024 != 0 {
		return
	}
	for t, g := range s.tokens {
		if g.revoked || !now.Before(g.expiry) {
			delete(s.tokens, t)
		}
	}
}

// revoke is POST /oauth2/token/revoke. A token it does not know is a success
// (RFC 7009 §2.2).
func (s *NHN) revoke(w http.ResponseWriter, form url.Values) {
	token := form.Get("token")
	if token == "" {
		oauthError(w, http.StatusBadRequest, "invalid_request", "token is missing")
		return
	}
	s.mu.Lock()
	s.counts.Revocations++
	s.mu.Unlock()
	s.Revoke(token)
	w.WriteHeader(http.StatusOK)
}

func oauthError(w http.ResponseWriter, status int, code, description string) {
	body := map[string]any{"error": code}
	if description != "" {
		body["error_description"] = description
	}
	writeJSON(w, status, body)
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
