package main

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"net/http"
	"runtime"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/bench/crowd"
	"github.com/authtrip/authtrip/bench/fake"
	"github.com/authtrip/authtrip/bench/harness"
)

// floor is the least that a RoundTripper of many tenants may do: it finds the
// one that the context names in a plain map, checks one expiry, copies the
// request and its header map, and sets one ready header.
type floor struct {
	tenants map[string]*tenant
	base    http.RoundTripper
}

type tenant struct {
	value  []string
	expiry time.Time
}

type nameKey struct{}

func (f *floor) RoundTrip(req *http.Request) (*http.Response, error) {
	name, _ := req.Context().Value(nameKey{}).(string)
	t := f.tenants[name]
	if t == nil || time.Until(t.expiry) < 0 {
		return nil, errors.New("no token")
	}
	out := *req
	out.Header = maps.Clone(req.Header)
	out.Header["Authorization"] = t.value
	return f.base.RoundTrip(&out)
}

// byTenants sends requests for one tenant after another, in random order. The
// floor is measured in between, while the Manager and all it holds is there: it
// has the same heap to be collected.
func byTenants(kind string) ([]harness.Row, error) {
	ours, least := &line{name: kind}, &line{name: "floor beside " + kind}
	for _, n := range tenantCounts {
		a, b, err := measureTenants(kind, n)
		if err != nil {
			return nil, err
		}
		ours.ns, least.ns = append(ours.ns, a), append(least.ns, b)
	}
	return []harness.Row{rowOf(least, least, tenantCounts), rowOf(ours, least, tenantCounts)}, nil
}

func measureTenants(kind string, n int) (ours, least float64, err error) {
	c, err := crowd.New(kind, n, &crowd.Issuer{}, authtrip.Policy{MaxTokens: n + 1})
	if err != nil {
		return 0, 0, err
	}
	defer c.Manager.Close()
	var (
		plain  = &floor{make(map[string]*tenant, n), fake.Stub{}}
		rt     = &authtrip.Transport{Source: c.Manager, Base: fake.Stub{}}
		req    = fake.Request(fake.URL)
		mine   = make([]*http.Request, n)
		theirs = make([]*http.Request, n)
	)
	for i := range n {
		name := crowd.Name(i)
		plain.tenants[name] = &tenant{[]string{"Bearer " + name}, time.Now().Add(time.Hour)}
		mine[i] = req.WithContext(c.Context(name))
		theirs[i] = req.WithContext(context.WithValue(context.Background(), nameKey{}, name))
		if err := crowd.Send(rt, mine[i]); err != nil {
			return 0, 0, err
		}
	}
	order := make([]int, requestsOfRound)
	for i := range order {
		order[i] = rand.IntN(n)
	}
	var a, b []float64
	for range rounds {
		for _, turn := range []struct {
			rt       http.RoundTripper
			requests []*http.Request
			took     *[]float64
		}{{plain, theirs, &b}, {rt, mine, &a}} {
			runtime.GC()
			start := processor()
			for _, i := range order {
				if _, err := turn.rt.RoundTrip(turn.requests[i]); err != nil {
					return 0, 0, err
				}
			}
			*turn.took = append(*turn.took, float64((processor()-start).Nanoseconds())/requestsOfRound)
		}
	}
	return harness.Median(a), harness.Median(b), nil
}
