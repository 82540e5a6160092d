package proxy

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// guard keeps out what came by way of a browser. Any page that a user visits can
// have the browser call loopback (CSRF), and a page whose host name is made to
// point there (DNS rebinding) can read the answers too. Such a request gives
// itself away: it names another host, or says that a page elsewhere sent it.
type guard struct {
	// anyHost: there is no address that a browser could reach.
	anyHost bool
	// anyAddress lets the Host be any IP address, and not loopback's alone. A
	// name can be rebound, an address cannot.
	anyAddress bool
	hosts      []string // further names, in lower case
	origins    []string // of pages that may call, as browsers spell them
}

// refuses returns why r is not passed on, or nil.
func (g *guard) refuses(r *http.Request) *fault {
	if r.Method == http.MethodConnect {
		return &fault{status: http.StatusMethodNotAllowed, kind: "method_not_allowed", text: "this is no forward proxy: send requests to it as to the API itself"}
	}
	if !g.anyHost && !g.knows(r.Host) {
		return &fault{status: http.StatusMisdirectedRequest, kind: "forbidden_host",
			text: fmt.Sprintf("the Host %q is not this proxy's: call it by its address, or allow the name with --allow-host", r.Host)}
	}
	if r.URL.Opaque != "" || !strings.HasPrefix(r.URL.Path, "/") {
		// net/http would send such a target as it is, which may name another host.
		return &fault{status: http.StatusBadRequest, kind: "bad_request", text: "the request line names no path: begin it with a slash"}
	}
	for _, o := range r.Header.Values("Origin") {
		if o != own(r) && !g.listed(o) {
			return &fault{status: http.StatusForbidden, kind: "forbidden_origin", text: fmt.Sprintf("a web page of %q sent this, and might do anything with your token: if it may, allow it with --allow-origin", o)}
		}
	}
	for _, from := range r.Header.Values("Referer") {
		if o := pageOrigin(from); from != "" && o != own(r) && !g.listed(o) {
			return &fault{status: http.StatusForbidden, kind: "forbidden_origin", text: fmt.Sprintf("a web page of %q sent this (Referer), and might do anything with your token: if it may, allow it with --allow-origin", o)}
		}
	}
	site := r.Header.Values("Sec-Fetch-Site")
	if g.mute(r) && len(site) == 0 && r.Header.Get("Origin") == "" && r.Header.Get("Referer") == "" && strings.Contains(r.UserAgent(), "Mozilla/") {
		return &fault{status: http.StatusForbidden, kind: "forbidden_origin", text: "a browser sent this without a word of whose page it was for, as to all plain HTTP that is not loopback: let a program send it, with a User-Agent of its own"}
	}
	if slices.ContainsFunc(site, func(s string) bool { return s != "same-origin" && s != "none" }) && !g.listed(r.Header.Get("Origin")) {
		return &fault{status: http.StatusForbidden, kind: "forbidden_origin", text: "a web page of another site sent this, and might do anything with your token: if it may, allow it with --allow-origin"}
	}
	return nil
}

// mute reports whether browsers leave out where a request comes from: they send
// Sec-Fetch-Site to loopback and to HTTPS alone, and this is no HTTPS. A socket
// they do not reach.
func (g *guard) mute(r *http.Request) bool {
	host := hostOf(r.Host)
	ip := net.ParseIP(host)
	return !g.anyHost && (g.anyAddress || host != "localhost" && !ip.IsLoopback())
}

// pageOrigin is the origin of a page's address; "null" when there is none.
func pageOrigin(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return "null"
	}
	return u.Scheme + "://" + u.Host
}

// own is the origin of pages that r's receiver served itself.
func own(r *http.Request) string { return "http://" + r.Host }

func (g *guard) listed(origin string) bool { return slices.Contains(g.origins, origin) }

func (g *guard) knows(hostPort string) bool {
	host := hostOf(hostPort)
	if host == "" {
		return false
	}
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback() || g.anyAddress || slices.Contains(g.hosts, host)
	}
	return host == "localhost" || slices.Contains(g.hosts, host)
}

// hostOf is the host of "host" or "host:port", in lower case; empty when there
// is none.
func hostOf(hostPort string) string {
	u, err := url.Parse("http://" + hostPort)
	if err != nil || u.Host != hostPort || u.User != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

// parseOrigin reads --allow-origin.
func parseOrigin(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || u.Host == "" || u.Scheme+"://"+u.Host != text {
		return "", fmt.Errorf("--allow-origin %q: write it as browsers do, such as http://localhost:3000", text)
	}
	return strings.ToLower(text), nil
}

// parseHost reads --allow-host.
func parseHost(text string) (string, error) {
	host := hostOf(text)
	if host == "" || host != strings.ToLower(text) && "["+host+"]" != strings.ToLower(text) || strings.Contains(host, "*") {
		return "", fmt.Errorf("--allow-host %q: give a host name alone, without a port", text)
	}
	return host, nil
}
