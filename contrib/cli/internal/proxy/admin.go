package proxy

import (
	"net/http"
	"strings"
)

// reserved is the part of the paths that is the proxy's own, and does not reach
// the API. A listener of their own gives it back: see --admin.
const reserved = "/.authtrip/"

// admin serves health and metrics, and an answer of the proxy's own for all else
// below reserved: the API is not to be shadowed silently.
func admin(h *health, metrics http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			(&fault{status: http.StatusMethodNotAllowed, kind: "method_not_allowed", text: "it can only be read"}).write(w)
		case r.URL.Path == reserved+"health":
			h.ServeHTTP(w, r)
		case r.URL.Path == reserved+"metrics":
			metrics.ServeHTTP(w, r)
		default:
			(&fault{status: http.StatusNotFound, kind: "reserved_path", text: "there is " + reserved + "health and " + reserved + "metrics; what begins with " + reserved +
				" is the proxy's own and does not reach the API, unless --admin moves it elsewhere"}).write(w)
		}
	})
}

// beside has admin serve the reserved paths, and next all others.
func beside(next, admin http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, reserved) {
			admin.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}
