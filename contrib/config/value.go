package config

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// value is a setting's value, or a part of it.
type value struct {
	c    *collection
	s    setting
	node *yaml.Node
}

func (c *collection) value(s setting) value { return value{c, s, s.value} }

func (v value) part(n *yaml.Node) value { return value{v.c, v.s, resolve(n)} }

// fault records what is wrong with the value. It must not say the value.
func (v value) fault(format string, args ...any) {
	at := v.s.at
	if v.node != v.s.value && v.node.Line > 0 {
		at = at.on(v.node.Line)
	}
	v.c.faults.add(at, "%s: %s "+format, append([]any{v.s.group, v.s.key.name}, args...)...)
}

// scalar is the text of a value, after its expansion, in which empty is
// allowed.
func (v value) scalar() (string, bool) {
	switch {
	case !v.c.afford(1):
		return "", false
	case isNull(v.node):
		v.fault("has no value: write one, or take the key out")
		return "", false
	case v.node.Kind != yaml.ScalarNode:
		v.fault("wants a single value, and has a %s", kindOf(v.node))
		return "", false
	case !slices.Contains(plainTags, v.node.ShortTag()):
		v.fault("has a tag that means nothing here")
		return "", false
	}
	text := v.node.Value
	if !v.s.verbatim {
		expanded, err := expand(text, v.c.environ, 0)
		if err != nil {
			if unset, ok := errors.AsType[*unsetError](err); ok && v.s.key.secret && !isReference(text) {
				v.fault(`names an environment variable that is not set, and no default: write "\${" if it is meant as it is`)
			} else if ok {
				v.fault("cannot be had: %v", unset)
			} else {
				v.fault("%v", err)
			}
			return "", false
		}
		text = expanded
	}
	if !v.c.afford(len(text) / 100) { // long variables add up too
		return "", false
	}
	if v.s.key.secret {
		text = withoutLineBreak(text)
		v.c.faults.hide(text)
		return text, true
	}
	return strings.TrimSpace(text), true
}

// plainTags are what YAML takes a text for that is not in quotes.
var plainTags = []string{"!!str", "!!int", "!!float", "!!bool", "!!timestamp"}

// text is a value that must not be empty. After a fault it is empty.
func (v value) text() string {
	text, ok := v.scalar()
	if ok && text == "" {
		v.fault("is empty: write a value, or take the key out")
	}
	return text
}

// list is a list, or one text with commas or white space between the parts.
func (v value) list() []string {
	var all []string
	if v.node.Kind == yaml.SequenceNode {
		for _, n := range v.node.Content {
			if !v.c.afford(0) {
				return nil
			}
			if text := v.part(n).text(); text != "" {
				all = append(all, text)
			}
		}
	} else if text, ok := v.scalar(); ok {
		all = strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' || r == '\r' })
	} else {
		return nil
	}
	if len(all) == 0 {
		v.fault("is empty: list something, or take the key out")
	}
	return all
}

// hosts is a list of hosts or origins. One with an @ is not passed on to be
// refused: it may hold a password.
func (v value) hosts() (all []string) {
	for _, host := range v.list() {
		if strings.Contains(host, "@") {
			v.fault("has a host with user information: take that out")
			continue
		}
		all = append(all, host)
	}
	return all
}

func (v value) flag() bool {
	switch text := v.text(); strings.ToLower(text) {
	case "true", "yes", "on":
		return true
	case "false", "no", "off", "":
	default:
		v.fault("wants true or false")
	}
	return false
}

func (v value) statuses() (all []int) {
	for _, text := range v.list() {
		status, err := strconv.Atoi(text)
		if err != nil || status < 100 || status > 999 {
			v.fault("wants HTTP statuses, such as 419")
			continue
		}
		all = append(all, status)
	}
	return all
}

// dict is a map, in which names that same makes equal are a fault.
func (v value) dict(same func(string) string) []pair {
	m, ok := v.s.content()
	if !ok {
		v.fault("wants JSON, and is none")
		return nil
	}
	if m.Kind != yaml.MappingNode {
		v.fault("wants a map, and has a %s", kindOf(m))
		return nil
	}
	label := v.s.group.String() + ": " + v.s.key.name
	return v.c.pairs(m, v.s.at, label, same)
}
