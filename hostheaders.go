package authtrip

import (
	"maps"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
)

// checkHostHeaders reads Registration.HostHeaders.
func (c *client) checkHostHeaders(fault func(string, ...any)) {
	for _, host := range slices.Sorted(maps.Keys(c.HostHeaders)) {
		u, err := parseOrigin("https", host)
		switch {
		case err != nil:
			fault("HostHeaders: %w", err)
			continue
		case len(c.origins.listed) > 0 && !c.origins.listed[origin(u)]:
			fault("HostHeaders: %q is not in Origins: its headers would go nowhere", host)
			continue
		}
		if _, twice := c.hostHeaders[origin(u)]; twice {
			fault("HostHeaders: %q is there twice, in two spellings", origin(u))
			continue
		}
		var static []staticHeader
		for _, name := range slices.Sorted(maps.Keys(c.HostHeaders[host])) {
			value := c.HostHeaders[host][name]
			canonical := textproto.CanonicalMIMEHeaderKey(name)
			switch {
			case !isToken(name):
				fault("HostHeaders of %q: %q is no header name", host, name)
			case slices.Contains(c.headers, canonical):
				fault("HostHeaders of %q: %q carries the token", host, name)
			case slices.Contains(unfitHeaders, canonical):
				fault("HostHeaders of %q: %q cannot be set", host, name)
			case slices.ContainsFunc(static, func(h staticHeader) bool { return h.name == canonical }):
				fault("HostHeaders of %q: %q is there twice, in two spellings", host, name)
			case !visible(value.Reveal()): // not shown: it is a secret
				fault("HostHeaders of %q: the value of %q is empty, or has white space or other characters that a key has not", host, name)
			}
			static = append(static, staticHeader{canonical, []string{value.Reveal()}})
		}
		if c.hostHeaders == nil {
			c.hostHeaders, c.hostHeadersAsWritten = map[string][]staticHeader{}, map[string][]staticHeader{}
		}
		c.hostHeaders[origin(u)] = static
		if host, ok := strings.CutPrefix(origin(u), "https://"); ok {
			c.hostHeadersAsWritten[host] = static
			c.hostHeadersAsWritten[strings.TrimSuffix(host, ":443")] = static
		}
	}
}

// staticHeader is one with the ready value, which every request shares.
type staticHeader struct {
	name  string // canonical
	value []string
}

// staticHeaders are those that req's host gets beside the token.
func (c *client) staticHeaders(req *http.Request) []staticHeader {
	if len(c.hostHeaders) == 0 {
		return nil
	}
	if req.URL.Scheme == "https" {
		static, ok := c.hostHeadersAsWritten[req.URL.Host]
		if ok || c.origins.listedAsWritten(req.URL.Host) {
			return static
		}
	}
	return c.hostHeaders[origin(req.URL)]
}

// staticIn names the headers in h that are some host's static ones.
func (c *client) staticIn(h http.Header) (names []string) {
	for _, static := range c.hostHeaders {
		for _, s := range static {
			if v := h[s.name]; len(v) == 1 && v[0] == s.value[0] {
				names = append(names, s.name)
			}
		}
	}
	return names
}
