package config

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// The two maps.
const (
	registrationMap = "registration"
	providerMap     = "provider"
)

// group is a registration or a provider: its settings, from wherever they
// came.
type group struct {
	in, id   string
	at       place
	settings map[*key]setting
	broken   bool // it is no map: nothing is missed in it
}

func (g *group) String() string {
	if plain(g.id) {
		return g.in + "." + g.id
	}
	return g.in + "." + shown(g.id)
}

// setting is a key and its value.
type setting struct {
	group *group
	key   *key
	value *yaml.Node
	at    place
	// verbatim values come from the environment: nothing in them is expanded.
	verbatim bool
}

// on is the setting, of which something stands in another line.
func (s setting) on(line int) setting {
	s.at = s.at.on(line)
	return s
}

// content is the value, of a map from the environment what its JSON holds.
func (s setting) content() (*yaml.Node, bool) {
	if !s.verbatim || !s.key.merged {
		return s.value, true
	}
	var doc yaml.Node
	if len(s.value.Value) > maxSize || yaml.Load([]byte(s.value.Value), &doc) != nil {
		return nil, false
	}
	return content(&doc), true
}

// groupName is how a group is found, however its ID is spelled.
type groupName struct{ in, folded string }

// collection is all that was read.
type collection struct {
	environ map[string]string
	dir     string // of the file
	file    string
	budget  int // how many more values may be visited
	groups  map[groupName]*group
	order   []*group
	// almost are keys of a file that are near to one of ours, where keys of
	// others may stand.
	almost []string
	faults faults
}

// maxValues bounds what aliases make of a file.
const maxValues = 200_000

func newCollection(environ []string) *collection {
	c := &collection{environ: map[string]string{}, groups: map[groupName]*group{}, budget: maxValues}
	for _, entry := range environ {
		if name, value, ok := strings.Cut(entry, "="); ok && name != "" {
			c.environ[name] = value
		}
	}
	return c
}

// group returns the group with that ID, and makes it if need be.
func (c *collection) group(in, id string, at place) *group {
	name := groupName{in, fold(id)}
	g := c.groups[name]
	if g == nil {
		g = &group{in: in, id: id, at: at, settings: map[*key]setting{}}
		c.groups[name] = g
		c.order = append(c.order, g)
	}
	return g
}

// ids are the IDs of one map, in order.
func (c *collection) ids(in string) (ids []string) {
	for _, g := range c.order {
		if g.in == in {
			ids = append(ids, g.id)
		}
	}
	return ids
}

// keyIn finds a key of a map by any spelling, or records what is wrong.
func (c *collection) keyIn(g *group, name string, at place) *key {
	k := keys[fold(name)]
	if k == nil {
		hint := ""
		if meant, ok := nearest(name, keyNames(g.in)); ok {
			hint = "; did you mean " + shown(meant) + "?"
		}
		c.faults.add(at, "%s: unknown key %s%s", g, shown(name), hint)
		return nil
	}
	if k.registrationOnly && g.in == providerMap {
		c.faults.add(at, "%s: %q is a registration's: move it there", g, k.name)
		return nil
	}
	return k
}

// put keeps a setting. A secret is known from then on, whether or not it is
// ever used.
func (c *collection) put(s setting) {
	if s.key.secret {
		if n, ok := s.content(); ok { // broken JSON is not told either
			c.hide(n, 0)
		}
	}
	s.group.settings[s.key] = s
}

// hide keeps a secret out of the errors, and all values of a map of them.
func (c *collection) hide(n *yaml.Node, depth int) {
	if n = resolve(n); depth > maxMerges || !c.afford(1) {
		return
	}
	c.faults.hide(n.Value)
	for i, part := range n.Content {
		if n.Kind != yaml.MappingNode || i%2 == 1 {
			c.hide(part, depth+1)
		}
	}
}
