package main

import "github.com/authtrip/authtrip/bench/harness"

// goal is a bound on one figure of authtrip's.
type goal struct {
	what string // "allocs/op"
	most float64
	got  func(ours, floor *line) float64
}

var (
	allocations = func(l, _ *line) float64 { return l.allocated() }
	memory      = func(l, _ *line) float64 { return l.memory() }
	timeRatio   = func(l, floor *line) float64 { return l.time() / floor.time() }

	moreAllocations = func(l, floor *line) float64 { return l.allocated() - floor.allocated() }
	moreMemory      = func(l, floor *line) float64 { return l.memory() - floor.memory() }
	moreTime        = func(l, floor *line) float64 { return l.time() - floor.time() }
)

var (
	roundTrip = []goal{{"allocs/op", 3, allocations}, {"B/op", 720, memory}, {"of floor", 1.10, timeRatio}}
	goals     = map[string][]goal{
		"Serial":   roundTrip,
		"Parallel": roundTrip,
		"Lookup":   {{"allocs/op", 0, allocations}, {"of floor", 1.25, timeRatio}},
		"Envelope": {{"more allocs/op", 1, moreAllocations}, {"more B/op", 320, moreMemory}, {"more ns/op", 300, moreTime}},
	}
	judged = []string{"authtrip", "authtrip-nhn"}
)

// goals says which of them are met.
func (b *benchmark) goals() (sentences []string) {
	floor := b.floor()
	for _, name := range judged {
		ours := b.find(name)
		if ours == nil || floor == nil {
			continue
		}
		for _, g := range goals[b.name] {
			got := g.got(ours, floor)
			sentences = append(sentences, harness.AtMost(name+", "+g.what, g.most, got))
		}
	}
	return sentences
}

// scaling says whether a look-up is slower on these cores than on one.
func (b *benchmark) scaling(all []*benchmark) (sentences []string) {
	if b.name != "Lookup" || b.cores == 1 {
		return nil
	}
	for _, one := range all {
		if one.name != b.name || one.cores != 1 {
			continue
		}
		for _, name := range judged {
			if alone, together := one.find(name), b.find(name); alone != nil && together != nil {
				sentences = append(sentences, harness.AtMost(name+", of 1 core", 1, together.time()/alone.time()))
			}
		}
	}
	return sentences
}
