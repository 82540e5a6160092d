package config

import (
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/authtrip/authtrip"
	"go.yaml.in/yaml/v4"
)

// setParams adds parameters to those that the provider or preset has.
func setParams(d *draft, v value) {
	params := maps.Clone(d.reg.Params)
	if params == nil {
		params = url.Values{}
	}
	for _, p := range v.dict(exactly) {
		params[p.name] = nil
		values := []*yaml.Node{p.value}
		if p.value.Kind == yaml.SequenceNode {
			values = p.value.Content
		}
		for _, n := range values {
			if text, ok := v.part(n).scalar(); ok {
				params.Add(p.name, text)
			}
		}
	}
	d.reg.Params = params
}

// envelopeKeys are those of one envelope.
var envelopeKeys = []string{"success", "code", "rejected"}

// setEnvelopes changes the envelopes that the provider or preset has, host by
// host and key by key.
func setEnvelopes(d *draft, v value) {
	all := maps.Clone(d.reg.Envelopes)
	if all == nil {
		all = map[string]authtrip.Envelope{}
	}
	for _, host := range v.dict(exactly) {
		at := v.part(host.value)
		if strings.Contains(host.name, "@") {
			at.fault("has a host with user information: take that out")
			continue
		}
		if host.value.Kind != yaml.MappingNode {
			at.fault("wants success, code and rejected below each host, and has a %s", kindOf(host.value))
			continue
		}
		e := all[host.name]
		for _, p := range v.c.pairs(host.value, v.s.at, v.s.group.String()+": "+v.s.key.name, fold) {
			part := v.part(p.value)
			switch fold(p.name) {
			case "success":
				e.Success = part.text()
			case "code":
				e.Code = part.text()
			case "rejected":
				e.Rejected = part.list()
			default:
				hint := ""
				if meant, ok := nearest(p.name, envelopeKeys); ok {
					hint = "; did you mean " + shown(meant) + "?"
				}
				v.c.faults.add(v.s.at.on(p.line), "%s: %s: unknown key %s%s", v.s.group, v.s.key.name, shown(p.name), hint)
			}
		}
		all[host.name] = e
	}
	d.reg.Envelopes = all
}

// redirectURI refuses Spring's templates: which server they are about is known
// to a web framework only.
func (v value) redirectURI() string {
	uri := v.text()
	if strings.Contains(uri, "{") {
		v.fault("is a template, which nothing here can fill in: write the whole URI")
		return ""
	}
	return uri
}

// path is a file's path. That of a file's setting is relative to that file.
func (v value) path() string {
	path := v.text()
	if path == "" || filepath.IsAbs(path) || v.s.verbatim {
		return path
	}
	return filepath.Join(v.c.dir, path)
}

// content is what the file at path holds. The path is not in the error, for it
// may be the secret itself.
func (v value) content(path string) string {
	if path == "" {
		return ""
	}
	secret, err := readSecret(path)
	if err != nil {
		v.fault("cannot be read: %v", err)
		return ""
	}
	v.c.faults.hide(secret)
	return secret
}

// choose returns which of the words, in any spelling, text is.
func choose(text string, words []string) (string, bool) {
	i := slices.IndexFunc(words, func(w string) bool { return fold(w) == fold(text) })
	if i < 0 {
		return "", false
	}
	return words[i], true
}
