package config

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"go.yaml.in/yaml/v4"
)

// roots are where the two maps may stand in a file.
var roots = [][]string{{}, {"authtrip"}, {"spring", "security", "oauth2", "client"}}

// readFile reads a file's settings, and reports whether it could be read as
// YAML.
func (c *collection) readFile(name string, data []byte) bool {
	c.file = name
	if len(data) > maxSize {
		c.faults.add(place{file: name}, "is longer than 1 MiB: no configuration is")
		return false
	}
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	if err != nil {
		c.faults.add(place{file: name}, "cannot be read as YAML")
		return false
	}
	var doc, second yaml.Node
	switch err := loader.Load(&doc); {
	case err == io.EOF || err == nil && isNull(content(&doc)):
		c.faults.add(place{file: name}, "is empty: for the environment alone use FromEnv")
		return false
	case err != nil:
		c.syntaxFault(err)
		return false
	}
	switch err := loader.Load(&second); {
	case err == nil:
		c.faults.add(c.line(&second), "a second YAML document begins here: keep one in a file")
		return false
	case err != io.EOF:
		c.syntaxFault(err)
		return false
	}
	top := content(&doc)
	if top.Kind != yaml.MappingNode {
		c.faults.add(c.line(top), "is no map at its top: it begins with registration:, authtrip: or spring:")
		return false
	}
	c.descend(nil, top)
	return true
}

func (c *collection) line(n *yaml.Node) place { return place{file: c.file, line: n.Line} }

// descend looks for the two maps below a key. Keys may be joined by dots.
func (c *collection) descend(path []string, m *yaml.Node) {
	var foreign []pair
	ours := len(path) > 0 && isRoot(path)
	for _, p := range c.pairs(m, place{file: c.file}, strings.Join(path, "."), fold) {
		below := append(path[:len(path):len(path)], strings.Split(p.name, ".")...)
		root, in, rest := sectionOf(below)
		switch {
		case in != "":
			ours = ours || len(root) == 0
			c.readSection(in, rest, p)
		case leads(below) && p.value.Kind == yaml.MappingNode:
			c.descend(below, p.value)
		case !leads(below):
			foreign = append(foreign, p)
		}
	}
	for _, p := range foreign {
		c.foreign(path, p, ours)
	}
}

// foreign is a key that leads nowhere: a fault where only ours may stand, and
// else at most the hint that it looks like one of ours.
func (c *collection) foreign(path []string, p pair, ours bool) {
	var expected []string
	for _, root := range roots {
		for _, in := range []string{registrationMap, providerMap} {
			if full := append(root[:len(root):len(root)], in); len(full) > len(path) && folded(full[:len(path)], path) {
				expected = append(expected, full[len(path)])
			}
		}
	}
	meant, ok := nearest(p.name, expected)
	if !ours {
		if ok {
			c.almost = append(c.almost, shown(meant)+" instead of "+shown(p.name)+" in line "+place{line: p.line}.number())
		}
		return
	}
	hint := ""
	if ok {
		hint = "; did you mean " + shown(meant) + "?"
	}
	c.faults.add(place{file: c.file, line: p.line}, "unknown key %s beside registration and provider%s", shown(p.name), hint)
}

// readSection reads one of the two maps, or one group, or one setting of it,
// as rest, which is below the map's name, says.
func (c *collection) readSection(in string, rest []string, p pair) {
	at := place{file: c.file, line: p.line}
	switch {
	case len(rest) > 2:
		c.faults.add(at, "%s: has too many dots: %[1]s.<id>.<key> is what there is", in)
	case len(rest) == 2:
		g := c.fileGroup(in, rest[0], at)
		c.addSetting(g, pair{rest[1], p.value, p.line})
	case len(rest) == 1:
		c.readGroup(in, pair{rest[0], p.value, p.line})
	case isNull(p.value):
	case p.value.Kind != yaml.MappingNode:
		c.faults.add(at, "%s: wants a map, by ID, and is a %s", in, kindOf(p.value))
	default:
		for _, p := range c.pairs(p.value, at, in, fold) {
			c.readGroup(in, p)
		}
	}
}

func (c *collection) readGroup(in string, p pair) {
	at := place{file: c.file, line: p.line}
	if p.name == "" {
		c.faults.add(at, "%s: an ID is empty", in)
		return
	}
	g := c.fileGroup(in, p.name, at)
	switch {
	case isNull(p.value): // the environment may have all of it
	case p.value.Kind != yaml.MappingNode:
		g.broken = true
		c.faults.add(at, "%s: wants a map of keys, and is a %s", g, kindOf(p.value))
	default:
		for _, p := range c.pairs(p.value, at, g.String(), fold) {
			c.addSetting(g, p)
		}
	}
}

func (c *collection) fileGroup(in, id string, at place) *group {
	g := c.group(in, id, at)
	if g.id != id {
		c.faults.add(at, "%s: is given twice: line %s has it as %s (upper case, dashes and underscores do not count)", g.in+"."+strings.Trim(shown(id), `"`), g.at.number(), shown(g.id))
	}
	return g
}

func (c *collection) addSetting(g *group, p pair) {
	at := place{file: c.file, line: p.line}
	k := c.keyIn(g, p.name, at)
	if k == nil {
		return
	}
	if first, ok := g.settings[k]; ok {
		c.faults.add(at, "%s: %s is given twice: line %s has it too", g, k.name, first.at.number())
		return
	}
	c.put(setting{group: g, key: k, value: p.value, at: at})
}

// isRoot reports whether only the two maps may stand below path.
func isRoot(path []string) bool {
	for _, root := range roots {
		if folded(root, path) {
			return true
		}
	}
	return false
}

// sectionOf reports which of the two maps path is in, and how far below it.
func sectionOf(path []string) (root []string, in string, rest []string) {
	for _, root := range roots {
		n := len(root)
		if len(path) <= n || !folded(root, path[:n]) {
			continue
		}
		for _, in := range []string{registrationMap, providerMap} {
			if fold(path[n]) == in {
				return root, in, path[n+1:]
			}
		}
	}
	return nil, "", nil
}

// leads reports whether one of the roots is at path or below it.
func leads(path []string) bool {
	for _, root := range roots {
		if len(path) <= len(root) && folded(root[:len(path)], path) {
			return true
		}
	}
	return false
}

// folded reports whether path is want in any spelling.
func folded(want, path []string) bool {
	if len(want) != len(path) {
		return false
	}
	for i := range want {
		if want[i] != fold(path[i]) {
			return false
		}
	}
	return true
}

// syntaxFault says where the YAML is broken. The library's text may repeat the
// file's, and so a secret: only what is known to be safe is said.
func (c *collection) syntaxFault(err error) {
	at, hint := place{file: c.file}, ""
	if broken, ok := errors.AsType[*yaml.LoadError](err); ok {
		at.line = broken.Mark.Line
		if begun := broken.ContextMark.Line; begun > 0 && begun < at.line {
			hint = " (it begins in line " + place{line: begun}.number() + ")"
		}
		for part, meaning := range syntaxHints {
			if strings.Contains(broken.Message, part) {
				hint = ": " + meaning + hint
			}
		}
	}
	c.faults.add(at, "is no valid YAML%s", hint)
}

// syntaxHints say what mostly is behind the library's messages.
var syntaxHints = map[string]string{
	"mapping values are not allowed":            `": " in a value that is not quoted, or a wrong indentation`,
	"cannot start any token":                    "a tab, or a value to be put into quotes, for it begins with @, %, or a back quote",
	"could not find expected ':'":               `a key without ": "`,
	"did not find expected key":                 "a wrong indentation, or a value to be put into quotes",
	"did not find expected ','":                 "a comma or the closing bracket is missing",
	"unexpected end of stream":                  "a quote is not closed",
	"unknown escape":                            "a backslash in double quotes: use single ones",
	"unknown anchor":                            "an alias of no anchor: put a value that begins with * into quotes",
	"invalid leading UTF-8":                     "it is not in UTF-8",
	"exceeded max depth":                        "it nests too deep",
	"block sequence entries are not allowed":    `"- " where no list can be`,
	"did not find expected alphabetic or numer": "an anchor or alias without a name: put a value that begins with & or * into quotes",
}
