package config

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/nhn"
	"go.yaml.in/yaml/v4"
)

// setHostHeaders adds headers to those that the provider or preset has, host by
// host and header by header.
func setHostHeaders(d *draft, v value) {
	if d.reg.HostHeaders == nil {
		d.reg.HostHeaders = map[string]map[string]authtrip.Secret{}
	}
	for _, host := range v.dict(exactly) {
		at := v.part(host.value)
		if strings.Contains(host.name, "@") {
			at.fault("has a host with user information: take that out")
			continue
		}
		if host.value.Kind != yaml.MappingNode {
			at.fault("wants headers' names and values below each host, and has a %s", kindOf(host.value))
			continue
		}
		d.written[fmt.Sprintf(": %q", host.name)] = v.s.on(host.line)
		headers := d.reg.HostHeaders[host.name]
		if headers == nil {
			headers = map[string]authtrip.Secret{}
			d.reg.HostHeaders[host.name] = headers
		}
		for _, p := range v.c.pairs(host.value, v.s.at, v.s.group.String()+": "+v.s.key.name, http.CanonicalHeaderKey) {
			name := http.CanonicalHeaderKey(p.name) // so that the provider's other spelling is replaced
			if !plain(name) {
				v.c.faults.hide(name) // it may have the value in it
			}
			d.written[fmt.Sprintf(" of %q: %q", host.name, name)] = v.s.on(p.line)
			if text := v.part(p.value).headerValue(); text != "" {
				headers[name] = authtrip.NewSecret(text)
			}
		}
	}
}

// aboutHeaders is how the authtrip package's faults of HostHeaders go on: which
// host, or which of its headers, they are about.
var aboutHeaders = regexp.MustCompile(`^(: | of "([^"\\]|\\.)*": )"([^"\\]|\\.)*"`)

// headerValue is a text that can stand in a header. After a fault it is empty.
func (v value) headerValue() string {
	text := v.text()
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		v.fault("has a value with white space, or with other characters that a key has not")
		return ""
	}
	return text
}

// appKeyServices are those that package nhn's AppKey takes.
var appKeyServices = map[string][]string{
	"nhn":     {"notification-hub", "rds-mariadb", "rds-mysql", "rds-postgres"},
	"nhn-gov": {"rds-mariadb", "rds-mysql"},
}

// appKeys are the preset's options for the keys of the provider, and for the
// registration's own over those.
func (d *draft) appKeys() (options []nhn.Option) {
	services := appKeyServices[d.preset]
	for _, g := range []*group{d.provider, d.group} {
		if g == nil {
			continue
		}
		s, ok := g.settings[keys[fold("app_keys")]]
		if !ok || d.unknown {
			continue
		}
		v := d.c.value(s)
		if services == nil {
			v.fault("is for the providers nhn and nhn-gov: of other hosts write host_headers")
			continue
		}
		for _, p := range v.dict(fold) {
			service, ok := choose(p.name, services)
			if !ok { // not repeated: the key may stand in its place
				hint := ""
				if meant, ok := nearest(p.name, services); ok {
					hint = "; did you mean " + shown(meant) + "?"
				}
				d.c.faults.add(s.at.on(p.line), "%s: %s has a service that is not known here; there are: %s%s", g, s.key.name, list(services), hint)
				continue
			}
			if key := v.part(p.value).headerValue(); key != "" {
				options = append(options, nhn.AppKey(service, authtrip.NewSecret(key)))
			}
		}
	}
	return options
}
