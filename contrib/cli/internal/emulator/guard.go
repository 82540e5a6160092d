package emulator

import (
	"net"
	"net/http"
	"strings"
)

// pagePath is where the page is; the rest belongs to the emulator.
const pagePath = "/_emulator/"

// policy lets the page load what the emulator itself serves, and nothing else.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// guard decides which requests are the page's, and who may make them.
type guard struct{ allowRemote bool }

// split gives the page its requests, and the emulator all others. A browser
// that asks for "/" is sent to the page, and gets its icon by the old name too.
func (g guard) split(page, emulator http.Handler) http.Handler {
	page = g.protect(page)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch wantsPage := strings.Contains(r.Header.Get("Accept"), "text/html"); {
		case strings.HasPrefix(r.URL.Path, pagePath):
			page.ServeHTTP(w, r)
		case r.Method == http.MethodGet && (r.URL.Path == "/" && wantsPage || r.URL.Path == strings.TrimSuffix(pagePath, "/")):
			http.Redirect(w, r, pagePath, http.StatusSeeOther)
		case r.Method == http.MethodGet && r.URL.Path == "/favicon.ico":
			http.Redirect(w, r, pagePath+"icon.svg", http.StatusSeeOther)
		default:
			emulator.ServeHTTP(w, r)
		}
	})
}

// protect keeps other sites' pages away: they can neither throw a switch nor
// read anything by a name of theirs that they point at this machine.
func (g guard) protect(page http.Handler) http.Handler {
	sameOrigin := http.NewCrossOriginProtection().Handler(page)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if !g.knows(r.Host) {
			http.Error(w, "call this page by its address, such as 127.0.0.1, or localhost", http.StatusMisdirectedRequest)
			return
		}
		sameOrigin.ServeHTTP(w, r)
	})
}

// knows reports whether a Host can be no foreign name that points here: it is
// localhost or a loopback address; with --allow-remote any address, for a name
// can be made to point elsewhere and an address cannot.
func (g guard) knows(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || ip != nil && (g.allowRemote || ip.IsLoopback())
}
