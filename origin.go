package authtrip

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// way is what an origin rule says of a request.
type way uint8

const (
	attach way = iota // it must have a token
	pass              // it goes on as it is
	refuse            // it should have a token, and plain http forbids it
)

// originRule says where tokens may go. It never changes.
type originRule struct {
	listed map[string]bool // origins in canonical form
	// listedHosts are the host names in listed: a request to one of them by
	// another scheme is a mistake and is refused, not passed on.
	listedHosts map[string]bool
	allowHTTP   map[string]bool // "http://host:port"
	// asWritten holds the usual spellings of the listed https origins, so that
	// most requests need no normalizing. They are by their length, which leaves
	// few to compare: that is faster than a map.
	asWritten [][]string
}

// newOriginRule reads Registration.Origins and Registration.AllowHTTP.
func newOriginRule(origins, allowHTTP []string) (originRule, error) {
	r := originRule{
		listed: map[string]bool{}, listedHosts: map[string]bool{},
		allowHTTP: map[string]bool{},
	}
	var faults []error
	for _, h := range allowHTTP {
		u, err := parseOrigin("http", h)
		if err == nil && u.Scheme != "http" {
			err = fmt.Errorf("%q is not http", h)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("in AllowHTTP: %w", err))
			continue
		}
		r.allowHTTP[origin(u)] = true
	}
	for _, o := range origins {
		u, err := parseOrigin("https", o)
		if err != nil {
			faults = append(faults, fmt.Errorf("in Origins: %w", err))
			continue
		}
		if !r.safe(u) {
			faults = append(faults, fmt.Errorf("in Origins: %q: %w", o, ErrInsecure))
			continue
		}
		r.listed[origin(u)] = true
		r.listedHosts[lower(u.Hostname())] = true
		if u.Scheme == "https" && !strings.HasSuffix(u.Host, ":") {
			r.write(lower(u.Host))
		}
	}
	return r, errors.Join(faults...)
}

// parseOrigin reads "host", "host:port" or "scheme://host:port".
func parseOrigin(scheme, text string) (*url.URL, error) {
	full := text
	if !strings.Contains(text, "://") {
		full = scheme + "://" + text
	}
	u, err := url.Parse(full)
	switch {
	case strings.Contains(text, "@"): // not repeated: it may be a password
		return nil, errors.New("a host or origin holds user information: leave that out")
	case err != nil || u.Hostname() == "" || (u.Scheme != "https" && u.Scheme != "http"):
		return nil, fmt.Errorf("%q is no host and no http(s) origin", text)
	case u.Fragment != "" || u.RawQuery != "" || u.ForceQuery || (u.Path != "" && u.Path != "/"):
		return nil, fmt.Errorf("%q says more than scheme, host and port", text)
	case strings.Contains(u.Host, "*"):
		return nil, fmt.Errorf("%q: wildcards are not supported, for others may own a host they match: list exact hosts", text)
	case strings.ContainsFunc(u.Host, func(r rune) bool { return r > '~' }):
		return nil, fmt.Errorf("%q: write the host in its ASCII form (xn--…)", text)
	}
	return u, nil
}

// endpoint checks an authorization server's URL and returns its origin.
func (r *originRule) endpoint(text string) (string, error) {
	if text == "" {
		return "", errors.New("is empty: set it")
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		// The parse error repeats the URL, which may hold a password.
		return "", errors.New("is no URL")
	case (u.Scheme != "https" && u.Scheme != "http") || u.Hostname() == "":
		return "", errors.New("is no absolute http(s) URL")
	case u.User != nil:
		return "", errors.New("holds user information: use ClientID and ClientSecret")
	case u.Fragment != "":
		return "", errors.New("holds a fragment (RFC 6749 §3.2)")
	case !r.safe(u):
		return "", ErrInsecure
	}
	return origin(u), nil
}

// judge says what becomes of req.
func (r *originRule) judge(req *http.Request) way {
	if req.URL == nil {
		return pass // net/http refuses it in its own words
	}
	if req.URL.Opaque != "" && !namesItsHost(req.URL) {
		return pass
	}
	if req.Response == nil { // not redirected
		if req.URL.Scheme == "https" && (len(r.listed) == 0 || r.listedAsWritten(req.URL.Host)) {
			return attach
		}
		return r.judgeFirst(req.URL)
	}
	if r.left(req) || r.judgeFirst(req.URL) != attach {
		return pass // the caller did not choose this place
	}
	return attach
}

// namesItsHost reports whether a request line that is u.Opaque, as net/http has
// it, is of the origin that u is: it may name another, which a proxy or gateway
// on the way would follow.
func namesItsHost(u *url.URL) bool {
	line := u.Opaque
	switch {
	case strings.HasPrefix(line, "//"):
		line = u.Scheme + ":" + line
	case strings.HasPrefix(line, "/"):
		return true
	}
	named, err := url.Parse(line)
	return err == nil && named.Host != "" && origin(named) == origin(u)
}

func (r *originRule) listedAsWritten(host string) bool {
	if len(host) >= len(r.asWritten) {
		return false
	}
	for _, h := range r.asWritten[len(host)] {
		if h == host {
			return true
		}
	}
	return false
}

// write adds a host to asWritten.
func (r *originRule) write(host string) {
	for len(r.asWritten) <= len(host) {
		r.asWritten = append(r.asWritten, nil)
	}
	r.asWritten[len(host)] = append(r.asWritten[len(host)], host)
}

// judgeFirst judges a URL that the caller chose.
func (r *originRule) judgeFirst(u *url.URL) way {
	if u.Scheme != "https" && u.Scheme != "http" {
		return pass
	}
	switch {
	case len(r.listed) == 0 && r.safe(u), r.listed[origin(u)]:
		return attach
	case !r.safe(u) && (len(r.listed) == 0 || r.listedHosts[lower(u.Hostname())]):
		return refuse
	}
	return pass
}

// left reports whether the redirects that led to req left the origin they
// began at, at any step, for one that is not listed. A chain that cannot be
// followed back counts as having left.
func (r *originRule) left(req *http.Request) bool {
	var visited []string
	for ; ; req = req.Response.Request {
		if req == nil || req.URL == nil {
			return true
		}
		visited = append(visited, origin(req.URL))
		if req.Response == nil {
			break
		}
	}
	start := visited[len(visited)-1]
	for _, o := range visited {
		if o != start && !r.listed[o] {
			return true
		}
	}
	return false
}

// safe reports whether a token may be sent to u at all.
func (r *originRule) safe(u *url.URL) bool {
	return u.Scheme == "https" || isLoopback(u.Hostname()) || r.allowHTTP[origin(u)]
}

// origin is u's scheme, host and port (RFC 6454 §4), in one spelling.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = "443"
		if u.Scheme == "http" {
			port = "80"
		}
	}
	return u.Scheme + "://" + net.JoinHostPort(lower(u.Hostname()), port)
}

// lower folds ASCII only: a character that Unicode folds to an ASCII letter
// makes another host.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

func isLoopback(host string) bool {
	if lower(host) == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
