package authtest

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/authtrip/authtrip/prism"
)

// serveToken is the token endpoint.
func (s *PRISM) serveToken(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	defer s.beginTokenCall()()
	s.countGrant(r.URL.Query().Get("grant_type"))
	f := s.nextFault()
	if f != nil && s.strike(f, w, r) {
		return
	}
	params := s.checkedQuery(w, r, len(body) > 0 || err != nil)
	if params == nil || r.Context().Err() != nil {
		return
	}
	var reply map[string]any
	var no *oauthRefusal
	switch params.Get("grant_type") {
	case "authorization_code":
		reply, no = s.redeemCode(params)
	case "refresh_token":
		reply, no = s.redeemRefreshToken(params, f != nil && f.SameToken)
	case "":
		no = &oauthRefusal{"invalid_request", "grant_type is missing"}
	default:
		no = &oauthRefusal{"unsupported_grant_type", ""}
	}
	if no != nil {
		oauthError(w, http.StatusBadRequest, no.code, no.why)
		return
	}
	writeJSON(w, http.StatusOK, reply)
}

func (s *PRISM) countGrant(grantType string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch grantType {
	case "authorization_code":
		s.counts.CodeCalls++
	case "refresh_token":
		s.counts.RefreshCalls++
	}
}

// checkedQuery returns the parameters of a request that is as it must be; to
// another it answers, and returns nil.
func (s *PRISM) checkedQuery(w http.ResponseWriter, r *http.Request, hasBody bool) url.Values {
	q, err := url.ParseQuery(r.URL.RawQuery)
	why := ""
	switch {
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		oauthError(w, http.StatusMethodNotAllowed, "invalid_request", "use GET")
		return nil
	case hasBody:
		why = "there is a body"
	case err != nil:
		why = "the query is malformed"
	case repeated(q) != "":
		why = "a parameter is repeated: " + repeated(q)
	case unknown(q) != "":
		why = "a PRISM client does not send " + unknown(q) + " with this grant"
	case hasCredentials(q):
		why = "the client's credentials are in the query: they belong in headers"
	case len(r.Header.Values("Authorization")) > 0:
		why = "there is an Authorization header"
	case len(r.Header.Values("Referer")) > 0:
		why = "there is a Referer: the page before must not be known"
	case len(r.Header.Values("Cookie")) > 0:
		why = "there is a Cookie"
	}
	if why != "" {
		oauthError(w, http.StatusBadRequest, "invalid_request", why)
		return nil
	}
	id, secret := r.Header.Values(prism.HeaderClientID), r.Header.Values(prism.HeaderClientSecret)
	if !slices.Equal(id, []string{s.clientID}) || !slices.Equal(secret, []string{s.clientSecret}) {
		oauthError(w, http.StatusUnauthorized, "invalid_client", "")
		return nil
	}
	return q
}

// unknown is a parameter that the document does not have for the grant, or
// empty. Credentials have an answer of their own.
func unknown(params url.Values) string {
	known := map[string][]string{
		"authorization_code": {"code", "redirect_uri", "state"},
		"refresh_token":      {"refresh_token"},
	}[params.Get("grant_type")]
	for name := range params {
		if known != nil && name != "grant_type" && !slices.Contains(known, name) && !hasCredentials(url.Values{name: nil}) {
			return name
		}
	}
	return ""
}

// hasCredentials finds the client's credentials by any name that they have.
func hasCredentials(params url.Values) bool {
	for name := range params {
		switch strings.ToLower(strings.ReplaceAll(name, "-", "_")) {
		case "client_id", "client_secret", "x_prism_client_id", "x_prism_client_secret":
			return true
		}
	}
	return false
}
