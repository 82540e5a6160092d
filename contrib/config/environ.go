package config

import (
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// environPrefixes begin the variables that are settings.
var environPrefixes = []struct{ text, in string }{
	{"AUTHTRIP_REGISTRATION_", registrationMap},
	{"AUTHTRIP_PROVIDER_", providerMap},
	{"SPRING_SECURITY_OAUTH2_CLIENT_REGISTRATION_", registrationMap},
	{"SPRING_SECURITY_OAUTH2_CLIENT_PROVIDER_", providerMap},
}

// readEnviron puts the environment's settings over the file's.
func (c *collection) readEnviron() {
	for _, name := range slices.Sorted(maps.Keys(c.environ)) {
		for _, prefix := range environPrefixes {
			if rest, ok := cutPrefixFold(name, prefix.text); ok && c.environ[name] != "" {
				c.readVariable(prefix.in, rest, name)
			}
		}
	}
}

// readVariable reads the variable name, of which rest is ID and key.
func (c *collection) readVariable(in, rest, name string) {
	at := place{variable: name}
	id, keyName := splitVariable(rest)
	switch {
	case id == "" && keyName == "":
		c.faults.add(at, "%s: names neither an ID nor a key: the form is …_<ID>_<KEY>", in)
		return
	case id == "":
		c.faults.add(at, "%s: names no ID: the form is …_<ID>_%s", in, strings.ToUpper(keys[fold(keyName)].name))
		return
	case keyName == "":
		hint := ""
		if meant, ok := nearestEnd(rest, in); ok {
			hint = "; did you mean …_" + strings.ToUpper(meant) + "?"
		}
		c.faults.add(at, "%s: ends in no key that there is%s", in, hint)
		return
	}
	g := c.group(in, strings.ReplaceAll(strings.ToLower(id), "_", "-"), place{})
	k := c.keyIn(g, keyName, at)
	if k == nil {
		return
	}
	if k.instead != "" {
		// The other way to say the same, from the file, is overridden too.
		other := keys[fold(k.instead)]
		if s, ok := g.settings[other]; ok && !s.verbatim {
			delete(g.settings, other)
		}
	}
	if first, ok := g.settings[k]; ok && first.verbatim {
		c.faults.add(at, "%s: %s is set as %s too: unset one", g, k.name, first.at)
		return
	}
	value := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: c.environ[name]}
	c.put(setting{group: g, key: k, value: value, at: at, verbatim: true})
}

// splitVariable finds the longest end that is a key; what is before it is the
// ID. Either may be empty.
func splitVariable(rest string) (id, keyName string) {
	if keys[fold(rest)] != nil {
		return "", rest
	}
	for i := 1; i < len(rest); i++ {
		if rest[i] == '_' && keys[fold(rest[i+1:])] != nil {
			return rest[:i], rest[i+1:]
		}
	}
	return rest, ""
}

// nearestEnd is the key that a variable's end is nearest to.
func nearestEnd(rest, in string) (string, bool) {
	for i := range min(len(rest), 200) {
		if rest[i] == '_' {
			if meant, ok := nearest(rest[i+1:], keyNames(in)); ok {
				return meant, true
			}
		}
	}
	return "", false
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return "", false
	}
	return s[len(prefix):], true
}
