package main

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/authtrip/authtrip/bench/harness"
	"github.com/authtrip/authtrip/bench/peer"
	"golang.org/x/perf/benchfmt"
)

// floors are the peers that the others of a benchmark are compared with.
var floors = map[string]string{
	"Serial":   "min-mapclone",
	"Parallel": "min-mapclone",
	"Loopback": "min-mapclone",
	"Lookup":   "min-atomic",
	"Features": "min-mapclone",
	"Headers":  "min-mapclone",
	"Resty":    "resty",
	"Envelope": "authtrip-nhn-no-envelope",
}

// benchmark is what is in one table: every peer at the same work.
type benchmark struct {
	name    string // "Serial"
	variant string // "200B", or empty
	cores   int
	lines   []*line // in the order in which they were met
}

// line is what all rounds yielded for one peer.
type line struct {
	peer              string
	ns, bytes, allocs []float64 // per operation
}

func (l *line) time() float64      { return harness.Median(l.ns) }
func (l *line) memory() float64    { return harness.Median(l.bytes) }
func (l *line) allocated() float64 { return harness.Median(l.allocs) }
func (l *line) of(o *line) string  { return fmt.Sprintf("%.2f", l.time()/o.time()) }
func (b *benchmark) floor() *line  { return b.find(floors[b.name]) }
func (b *benchmark) rounds() int   { return len(b.lines[0].ns) }
func (b *benchmark) title() string {
	return strings.TrimSpace(b.name+" "+b.variant) + ", " + b.onCores()
}
func (b *benchmark) same(o *benchmark) bool {
	return b.name == o.name && b.variant == o.variant && b.cores == o.cores
}

func (b *benchmark) onCores() string {
	if b.cores == 1 {
		return "1 core"
	}
	return fmt.Sprintf("%d cores", b.cores)
}

func (b *benchmark) find(name string) *line {
	for _, l := range b.lines {
		if l.peer == name {
			return l
		}
	}
	return nil
}

// read reads the files' results, in the order in which they come.
func read(paths []string) ([]*benchmark, error) {
	var all []*benchmark
	files := benchfmt.Files{Paths: paths}
	for files.Scan() {
		switch r := files.Result().(type) {
		case *benchfmt.SyntaxError:
			return nil, r
		case *benchfmt.Result:
			b, name, ok := parse(r.Name)
			if !ok {
				continue
			}
			all = add(all, b, name, r)
		}
	}
	return all, files.Err()
}

// parse splits "Envelope/200B/authtrip-nhn-2", which is on two cores. Those that
// are not of a peer are none of ours.
func parse(name benchfmt.Name) (b *benchmark, peer string, ok bool) {
	base, parts := name.Parts()
	b = &benchmark{name: string(base), cores: 1}
	if n := len(parts); n > 0 && bytes.HasPrefix(parts[n-1], []byte("-")) {
		cores, err := strconv.Atoi(string(parts[n-1][1:]))
		if err != nil {
			return nil, "", false
		}
		b.cores, parts = cores, parts[:n-1]
	}
	if len(parts) == 0 {
		return nil, "", false
	}
	var steps []string
	for _, p := range parts {
		steps = append(steps, strings.TrimPrefix(string(p), "/"))
	}
	last := len(steps) - 1
	b.variant = strings.Join(steps[:last], " ")
	return b, steps[last], true
}

func add(all []*benchmark, like *benchmark, name string, r *benchfmt.Result) []*benchmark {
	b := like
	for _, o := range all {
		if o.same(like) {
			b = o
		}
	}
	if b == like {
		all = append(all, b)
	}
	l := b.find(name)
	if l == nil {
		l = &line{peer: name}
		b.lines = append(b.lines, l)
	}
	if v, ok := r.Value("sec/op"); ok { // what benchfmt makes of ns/op
		l.ns = append(l.ns, v*1e9)
	}
	if v, ok := r.Value("B/op"); ok {
		l.bytes = append(l.bytes, v)
	}
	if v, ok := r.Value("allocs/op"); ok {
		l.allocs = append(l.allocs, v)
	}
	return all
}

// best is the fastest of the other libraries, or nil.
func (b *benchmark) best() *line {
	var best *line
	for _, l := range b.lines {
		p, err := peer.ByName(l.peer)
		if err != nil || p.Ours || p.Static {
			continue
		}
		if best == nil || l.time() < best.time() {
			best = l
		}
	}
	return best
}

func (b *benchmark) table() harness.Table {
	t := harness.Table{Title: b.title(), Columns: []string{"peer", "ns/op", "B/op", "allocs/op"}}
	floor, best := b.floor(), b.best()
	if floor != nil {
		t.Columns = append(t.Columns, "of floor")
	}
	if best != nil {
		t.Columns = append(t.Columns, "of best peer")
	}
	for _, l := range b.lines {
		name := l.peer
		if l == floor {
			name += " (floor)"
		}
		cells := []string{name, harness.Figure(l.time()), harness.Figure(l.memory()), harness.Figure(l.allocated())}
		if floor != nil {
			cells = append(cells, l.of(floor))
		}
		if best != nil {
			cells = append(cells, l.of(best))
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
}
