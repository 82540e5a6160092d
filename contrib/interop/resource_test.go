package interop_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ory/fosite"
)

// newResource is a resource server that asks the authorization server about
// every token (as RFC 7662 has it), and tells the caller whose it is.
func newResource(t *testing.T, auth *server) *httptest.Server {
	api := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok {
			rw.Header().Set("WWW-Authenticate", `Bearer realm="notes"`)
			http.Error(rw, "no token", http.StatusUnauthorized)
			return
		}
		subject, active := auth.introspect(token, fosite.AccessToken)
		if !active {
			rw.Header().Set("WWW-Authenticate", `Bearer realm="notes", error="invalid_token", error_description="expired, revoked or unknown"`)
			http.Error(rw, "not this token", http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(rw, subject)
	}))
	t.Cleanup(api.Close)
	return api
}
