package authtest

import (
	"net/http"
	"strings"
)

var (
	_ http.Handler = (*NHN)(nil)
	_ http.Handler = (*PRISM)(nil)
)

// ServeHTTP serves the authorization server, below /oauth2/token/, and the API,
// on every other path, for a server of your own: at an address that you choose,
// behind a handler that watches. The servers at AuthURL and APIURL go on beside
// it; with [InMemory] they take no port. After Close no request hangs any more.
func (s *NHN) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/oauth2/token/") {
		s.serveAuth(w, r)
		return
	}
	s.serveAPI(w, r)
}

// ServiceHandler serves a service as [NHN.ServeHTTP] does the API. It is nil
// for a name that is not a [Service]; the option [Services] is not needed.
func (s *NHN) ServiceHandler(name Service) http.Handler {
	for _, rules := range allServices {
		if rules.name == name {
			return s.serviceHandler(rules)
		}
	}
	return nil
}

// ServeHTTP serves all that the server at URL does, for a server of your own:
// at an address that you choose, behind a handler that watches. The one at URL
// goes on beside it; with [InMemory] it takes no port. After Close no request
// hangs any more.
func (s *PRISM) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.serveAll(w, r) }
