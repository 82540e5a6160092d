package main

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/bench/crowd"
	"github.com/authtrip/authtrip/bench/fake"
	"github.com/authtrip/authtrip/bench/harness"
	"github.com/authtrip/authtrip/bench/peer"
)

// The ways to a tenant's token by the public API.
const (
	byName    = "Source of a name, Token" // Manager.Source or SourceFor, then Token
	byHandle  = "Token of a kept Source"
	byContext = "RoundTrip less the floor" // the Manager's Transport, by contexts made before
)

var ways = []string{byName, byHandle, byContext}

const rounds = 9

// tenant is what the plain maps hold.
type tenant struct {
	expiry time.Time
	token  string
}

// probe is one thing that is timed: at is called with the number of a tenant.
type probe struct {
	name string
	at   func(i int)

	random, hot []float64 // ns, one of each round
	allocs      float64
}

// lookup times each way to a token over all tenants in random order, and over
// one again and again. Rounds are interleaved: what disturbs the machine
// disturbs all alike.
func lookup(kind string) ([]harness.Row, error) {
	n := tenants()
	c, err := crowd.New(kind, n, &crowd.Issuer{}, authtrip.Policy{MaxTokens: n + 1})
	if err != nil {
		return nil, err
	}
	ours := &authtrip.Transport{Source: c.Manager, Base: fake.Stub{}}
	floorPeer, err := peer.ByName("min-mapclone")
	if err != nil {
		return nil, err
	}
	floor, err := floorPeer.New(peer.Config{Base: fake.Stub{}})
	if err != nil {
		return nil, err
	}
	var (
		names    = make([]string, n)
		sources  = make([]*authtrip.Source, n)
		requests = make([]*http.Request, n)
		plain    = make(map[string]*tenant, n)
		req      = crowd.Request()
	)
	for i := range n {
		names[i] = crowd.Name(i)
		plain[crowd.Name(i)] = &tenant{time.Now().Add(time.Hour), crowd.Name(i)}
		requests[i] = req.WithContext(c.Context(i))
		if sources[i], err = c.Source(names[i]); err != nil {
			return nil, err
		}
		if err := crowd.Send(ours, requests[i]); err != nil {
			return nil, err
		}
	}

	var (
		ctx  = context.Background()
		bad  error
		past = time.Now()
		note = func(err error) {
			if err != nil {
				bad = err
			}
		}
	)
	probes := []*probe{
		{name: "map get", at: func(i int) {
			if plain[names[i]] == nil {
				bad = errors.New("not in the map")
			}
		}},
		{name: "map get, one read", at: func(i int) {
			if plain[names[i]].expiry.Before(past) {
				bad = errors.New("expired in the map")
			}
		}},
		{name: byName, at: func(i int) {
			s, err := c.Source(names[i])
			note(err)
			_, err = s.Token(ctx)
			note(err)
		}},
		{name: byHandle, at: func(i int) {
			_, err := sources[i].Token(ctx)
			note(err)
		}},
		{name: "floor", at: func(i int) {
			_, err := floor.RoundTrip(requests[i])
			note(err)
		}},
		{name: byContext, at: func(i int) {
			_, err := ours.RoundTrip(requests[i])
			note(err)
		}},
	}
	measureProbes(probes, n)
	if bad != nil {
		return nil, bad
	}
	runtime.KeepAlive(c)
	return lookupRows(kind, probes), nil
}

func measureProbes(probes []*probe, n int) {
	// What a collection of 100,000 tenants costs is growth's to show: here it
	// would hide what is measured.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	random := rand.New(rand.NewPCG(1, 2)).Perm(n)
	one := slices.Repeat(random[:1], n)
	for range rounds {
		runtime.GC()
		hot, _ := inTurn(probes, one)
		cold, allocs := inTurn(probes, random)
		for i, p := range probes {
			p.hot, p.random, p.allocs = append(p.hot, hot[i]), append(p.random, cold[i]), allocs[i]
		}
	}
}

// inTurn returns the time of a call and its allocations for each probe. They
// take turns of a few thousand calls, each somewhere else in the order: what
// one has just used would be in the processor's cache for the next.
func inTurn(probes []*probe, order []int) (ns, allocs []float64) {
	ns, allocs = make([]float64, len(probes)), make([]float64, len(probes))
	var before, after runtime.MemStats
	parts := slices.Collect(slices.Chunk(order, 5_000))
	for t := range parts {
		for i, p := range probes {
			turn := parts[(t+i*len(parts)/len(probes))%len(parts)]
			runtime.ReadMemStats(&before)
			start := time.Now()
			for _, i := range turn {
				p.at(i)
			}
			ns[i] += float64(time.Since(start).Nanoseconds()) / float64(len(order))
			runtime.ReadMemStats(&after)
			allocs[i] += float64(after.Mallocs-before.Mallocs) / float64(len(order))
		}
	}
	for i := range allocs {
		allocs[i] = math.Round(allocs[i])
	}
	return ns, allocs
}

func lookupRows(kind string, probes []*probe) []harness.Row {
	find := func(name string) *probe {
		return probes[slices.IndexFunc(probes, func(p *probe) bool { return p.name == name })]
	}
	get, floor := find("map get"), find("floor")
	var rows []harness.Row
	for _, p := range probes {
		random, hot, allocs := p.random, p.hot, p.allocs
		if p.name == byContext {
			random, hot, allocs = less(random, floor.random), less(hot, floor.hot), allocs-floor.allocs
		}
		rows = append(rows, harness.Row{
			harness.Text("", kind+": "+p.name),
			figure("ns", "", middle(random)), figure("× map get", "", middle(random)/middle(get.random)),
			figure("hot ns", "", middle(hot)), figure("allocs", "", allocs),
		})
	}
	return rows
}

func figure(name, unit string, v float64) harness.Cell {
	return harness.Cell{Name: name, Num: v, Unit: unit, IsN: true}
}

func less(a, b []float64) []float64 {
	out := make([]float64, len(a))
	for i := range a {
		out[i] = a[i] - b[i]
	}
	return out
}

func middle(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	return s[len(s)/2]
}
