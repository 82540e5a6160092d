package proxy

import "net/http"

// preflight answers a browser that asks whether a page of a listed origin may
// send a request (CORS): the API knows nothing of that page. It reports whether
// that is what r was.
func preflight(w http.ResponseWriter, r *http.Request, origin string) bool {
	method := r.Header.Get("Access-Control-Request-Method")
	if r.Method != http.MethodOptions || method == "" {
		return false
	}
	h := w.Header()
	shareWith(h, origin)
	h.Set("Access-Control-Allow-Methods", method)
	if names := r.Header.Get("Access-Control-Request-Headers"); names != "" {
		h.Set("Access-Control-Allow-Headers", names)
	}
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
	return true
}

// shareWith lets pages of origin read the answer. Cookies are not theirs.
func shareWith(h http.Header, origin string) {
	h.Del("Access-Control-Allow-Credentials")
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Expose-Headers", "*")
	h.Add("Vary", "Origin")
}
