package main

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
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
	byContext = "RoundTrip less its floor" // both make the request's context, as a service does

	mapGet  = "map get"
	mapRead = "map get, one read"
	floor   = "floor of RoundTrip"

	colOfMap = "of map get"
	colHot   = "one hot"
)

const rounds = 9

// tenant is what the plain map holds.
type tenant struct {
	expiry time.Time
	token  string
}

// sameSize is as large as the value by which the library's contexts choose.
type sameSize struct {
	registration, principal string
	scopes                  []string
}

type sizeKey struct{}

// probe is one thing that is timed: at is called with the number of a tenant.
type probe struct {
	name string
	at   func(i int) error

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
	rt := &authtrip.Transport{Source: c.Manager, Base: fake.Stub{}}
	least, err := peer.ByName("min-mapclone")
	if err != nil {
		return nil, err
	}
	leastTrip, err := least.New(peer.Config{Base: fake.Stub{}})
	if err != nil {
		return nil, err
	}
	var (
		names   = make([]string, n)
		sources = make([]*authtrip.Source, n)
		plain   = make(map[string]*tenant, n)
		req     = fake.Request(fake.URL)
		ctx     = context.Background()
		past    = time.Now()
	)
	for i := range n {
		names[i] = crowd.Name(i)
		plain[crowd.Name(i)] = &tenant{time.Now().Add(time.Hour), crowd.Name(i)}
		if sources[i], err = c.Source(names[i]); err != nil {
			return nil, err
		}
		if _, err := sources[i].Token(ctx); err != nil {
			return nil, err
		}
	}
	probes := []*probe{
		{name: mapGet, at: func(i int) error {
			if plain[names[i]] == nil {
				return errNotThere
			}
			return nil
		}},
		{name: mapRead, at: func(i int) error {
			if plain[names[i]].expiry.Before(past) {
				return errNotThere
			}
			return nil
		}},
		{name: byName, at: func(i int) error {
			_, err := c.Token(ctx, names[i])
			return err
		}},
		{name: byHandle, at: func(i int) error {
			_, err := sources[i].Token(ctx)
			return err
		}},
		{name: floor, at: func(i int) error {
			of := context.WithValue(ctx, sizeKey{}, sameSize{"", names[i], nil})
			_, err := leastTrip.RoundTrip(req.WithContext(of))
			return err
		}},
		{name: byContext, at: func(i int) error {
			_, err := rt.RoundTrip(req.WithContext(c.Context(names[i])))
			return err
		}},
	}
	if err := measureProbes(probes, n); err != nil {
		return nil, err
	}
	runtime.KeepAlive(c)
	return lookupRows(kind, probes), nil
}

var errNotThere = errors.New("not in the map")

func measureProbes(probes []*probe, n int) error {
	// What a collection of 100,000 tenants costs is growth's to show: here it
	// would hide what is measured.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	random := rand.New(rand.NewPCG(1, 2)).Perm(n)
	one := slices.Repeat(random[:1], n)
	for range rounds {
		runtime.GC()
		hot, _, err := inTurn(probes, one)
		if err != nil {
			return err
		}
		cold, allocs, err := inTurn(probes, random)
		if err != nil {
			return err
		}
		for i, p := range probes {
			p.hot, p.random, p.allocs = append(p.hot, hot[i]), append(p.random, cold[i]), allocs[i]
		}
	}
	return nil
}

// inTurn returns the time of a call and its allocations for each probe. They
// take turns of a few thousand calls, each somewhere else in the order: what
// one has just used would be in the processor's cache for the next.
func inTurn(probes []*probe, order []int) (ns, allocs []float64, err error) {
	ns, allocs = make([]float64, len(probes)), make([]float64, len(probes))
	var before, after runtime.MemStats
	turns := slices.Collect(slices.Chunk(order, 5_000))
	for t := range turns {
		for i, p := range probes {
			turn := turns[(t+i*len(turns)/len(probes))%len(turns)]
			runtime.ReadMemStats(&before)
			start := time.Now()
			for _, i := range turn {
				if err := p.at(i); err != nil {
					return nil, nil, err
				}
			}
			ns[i] += float64(time.Since(start).Nanoseconds()) / float64(len(order))
			runtime.ReadMemStats(&after)
			allocs[i] += float64(after.Mallocs-before.Mallocs) / float64(len(order))
		}
	}
	for i := range allocs {
		allocs[i] = math.Round(allocs[i])
	}
	return ns, allocs, nil
}

func lookupRows(kind string, probes []*probe) (rows []harness.Row) {
	medians := map[string]float64{}
	for _, p := range probes {
		medians[p.name] = harness.Median(slices.Clone(p.random))
	}
	least := probes[slices.IndexFunc(probes, func(p *probe) bool { return p.name == floor })]
	for _, p := range probes {
		random, hot, allocs := p.random, p.hot, p.allocs
		if p.name == byContext {
			random, hot, allocs = less(random, least.random), less(hot, least.hot), allocs-least.allocs
		}
		took := harness.Median(slices.Clone(random))
		rows = append(rows, harness.Row{Name: p.name + "/" + kind, Cells: []harness.Cell{
			harness.Value("random order", took, "ns"),
			harness.Value(colOfMap, took/medians[mapGet], "×"),
			harness.Value("of map get, one read", took/medians[mapRead], "×"),
			harness.Value(colHot, harness.Median(slices.Clone(hot)), "ns"),
			harness.Value("allocs", allocs, ""),
		}})
	}
	return rows
}

// less subtracts round by round.
func less(a, b []float64) []float64 {
	out := make([]float64, len(a))
	for i := range a {
		out[i] = a[i] - b[i]
	}
	return out
}
