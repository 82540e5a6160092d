package authtest

import (
	"io"
	"net/http"
	"time"

	"github.com/authtrip/authtrip/prism"
)

// serveAPI checks the token and answers, or hands the request on.
func (s *PRISM) serveAPI(w http.ResponseWriter, r *http.Request) {
	user, rejectedCode, ok := s.accepts(r.Header)
	switch {
	case !ok:
		// Read first, so that the connection can serve again.
		_, _ = io.Copy(io.Discard, r.Body)
		status := http.StatusOK
		if rejectedCode == 0 {
			status, rejectedCode = http.StatusUnauthorized, http.StatusUnauthorized
		}
		writeJSON(w, status, prismFailure(rejectedCode, "UNAUTHORIZED", "the token is not valid"))
	case s.api != nil:
		s.api.ServeHTTP(w, r)
	case r.Method == http.MethodGet && r.URL.Path == "/prism/v1/service/user":
		writeJSON(w, http.StatusOK, prismSuccess(map[string]any{"userId": user}))
	default:
		data, err := repeat(r)
		if err != nil {
			writeJSON(w, http.StatusBadRequest, prismFailure(http.StatusBadRequest, "BAD_REQUEST", "the body broke off"))
			return
		}
		writeJSON(w, http.StatusOK, prismSuccess(data))
	}
}

// accepts reports whether h carries one valid token, and whose, or by which
// errorCode to refuse it.
func (s *PRISM) accepts(h http.Header) (user string, rejectedCode int, ok bool) {
	values := h.Values(prism.HeaderAccessToken)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(values) == 1 {
		if a := s.access[values[0]]; a != nil && a.valid(time.Now()) {
			user, ok = a.login.user, true
		}
	}
	s.judged(ok)
	return user, s.rejectedCode, ok
}

// prismAnswer is the envelope of the service API, its members in the order of
// PRISM's document.
type prismAnswer struct {
	Success   bool    `json:"success"`
	ErrorCode int     `json:"errorCode"`
	ErrorName *string `json:"errorName"`
	Message   *string `json:"message"`
	Data      any     `json:"data"`
}

func prismSuccess(data any) prismAnswer { return prismAnswer{Success: true, Data: data} }

func prismFailure(code int, name, message string) prismAnswer {
	return prismAnswer{ErrorCode: code, ErrorName: &name, Message: &message}
}
