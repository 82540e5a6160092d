package authtest

import (
	"net/http"
	"net/url"
	"slices"
)

// servePage is the authorization page (RFC 6749 §4.1.1).
func (s *PRISM) servePage(w http.ResponseWriter, r *http.Request) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	redirectURI := q.Get("redirect_uri")
	back, badURI := url.Parse(redirectURI)
	switch {
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		http.Error(w, "use GET", http.StatusMethodNotAllowed)
		return
	// What cannot be trusted gets no redirect (RFC 6749 §4.1.2.1).
	case err != nil:
		http.Error(w, "the query is malformed", http.StatusBadRequest)
		return
	case len(q["client_id"]) != 1 || q.Get("client_id") != s.clientID:
		http.Error(w, "the client_id is not one that is registered", http.StatusBadRequest)
		return
	case len(q["redirect_uri"]) != 1 || badURI != nil || !slices.Contains(s.redirectURIs, redirectURI):
		http.Error(w, "the redirect_uri is not one that is registered", http.StatusBadRequest)
		return
	}

	answer := url.Values{}
	refuse := func(code, why string) {
		answer.Set("error", code)
		if why != "" {
			answer.Set("error_description", why)
		}
	}
	if len(q["state"]) == 1 {
		answer.Set("state", q.Get("state"))
	}
	s.mu.Lock()
	switch {
	case repeated(q) != "":
		refuse("invalid_request", "a parameter is repeated: "+repeated(q))
	case q.Get("response_type") == "":
		refuse("invalid_request", "response_type is missing")
	case q.Get("response_type") != "code":
		refuse("unsupported_response_type", "")
	case s.user == "":
		refuse("access_denied", "the user declined")
	default:
		answer.Set("code", s.newCode(&code{user: s.user, redirectURI: redirectURI, state: q.Get("state")}))
	}
	s.mu.Unlock()
	if back.RawQuery != "" {
		back.RawQuery += "&"
	}
	back.RawQuery += answer.Encode()
	w.Header().Set("Location", back.String())
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusFound)
}

// repeated names a parameter that is there twice: RFC 6749 §3.1
// and §3.2 forbid it.
func repeated(params url.Values) string {
	for name, values := range params {
		if len(values) > 1 {
			return name
		}
	}
	return ""
}
