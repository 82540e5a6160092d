package config

import (
	"go.yaml.in/yaml/v4"
)

// pair is an entry of a map.
type pair struct {
	name  string
	value *yaml.Node // no alias
	line  int
}

// maxMerges is how deep merge keys may lead.
const maxMerges = 10

// pairs returns a map's entries, those of its merge keys after its own.
// Names that same makes equal are a fault. Where is the file, or the variable
// that holds the map.
func (c *collection) pairs(m *yaml.Node, where place, label string, same func(string) string) []pair {
	if label != "" {
		label += ": "
	}
	return c.merged(m, where, label, same, map[string]pair{}, 0)
}

// merged is pairs without the names that are in taken.
func (c *collection) merged(m *yaml.Node, where place, label string, same func(string) string, taken map[string]pair, depth int) (all []pair) {
	var merges []*yaml.Node
	own := map[string]pair{}
	for i := 0; i+1 < len(m.Content); i += 2 {
		if !c.afford(1) {
			return nil
		}
		name, value := resolve(m.Content[i]), resolve(m.Content[i+1])
		p := pair{name.Value, value, m.Content[i].Line}
		at := where.on(p.line)
		if name.ShortTag() == "!!merge" {
			merges = append(merges, value)
			continue
		}
		if name.Kind != yaml.ScalarNode {
			c.faults.add(at, "%sa key is a %s", label, kindOf(name))
			continue
		}
		if first, ok := own[same(p.name)]; ok {
			c.faults.add(at, "%s%s is given twice: line %d has %s (upper case, dashes and underscores do not count)", label, shown(p.name), first.line, shown(first.name))
			continue
		}
		own[same(p.name)] = p
		if _, ok := taken[same(p.name)]; !ok {
			all = append(all, p)
		}
	}
	for _, p := range all {
		taken[same(p.name)] = p
	}
	for _, value := range merges {
		from := []*yaml.Node{value}
		if value.Kind == yaml.SequenceNode {
			from = value.Content
		}
		for _, other := range from {
			other = resolve(other)
			if !c.afford(1) {
				return nil
			}
			if other.Kind != yaml.MappingNode || depth == maxMerges {
				c.faults.add(where.on(value.Line), "%sa merge key leads to no map, or in a circle", label)
				return all
			}
			all = append(all, c.merged(other, where, label, same, taken, depth+1)...)
		}
	}
	return all
}

// afford counts visits to values. Aliases make a small file a long way.
func (c *collection) afford(visits int) bool {
	if c.faults.enough() {
		return false
	}
	if c.budget -= visits; c.budget < 0 {
		c.faults.add(place{file: c.file}, "is too much: its aliases and lists come to more than %d values", maxValues)
		return false
	}
	return true
}

// content is what a document holds.
func content(doc *yaml.Node) *yaml.Node {
	if doc.Kind == yaml.DocumentNode && len(doc.Content) > 0 {
		return resolve(doc.Content[0])
	}
	return doc
}

// resolve returns what an alias stands for.
func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias // never an alias itself
	}
	return n
}

func isNull(n *yaml.Node) bool {
	return n.Kind == 0 || n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}

// kindOf names what a node is, in an error.
func kindOf(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "map"
	case n.Kind == yaml.SequenceNode:
		return "list"
	}
	return "single value"
}
