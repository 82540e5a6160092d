// Command tenants measures 100,000 credentials at once: the live heap of each,
// for every peer and for the two ways that authtrip has of keeping many; the
// time to find one of them, beside a plain map; and what happens when there are
// more than may be kept.
//
// TENANTS sets another number. HEAPS names a directory for heap profiles of the
// Managers.
package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/authtrip/authtrip/bench/crowd"
	"github.com/authtrip/authtrip/bench/harness"
	"github.com/authtrip/authtrip/bench/peer"
)

// ours are the peers that are Managers of all tenants.
var ours = []string{crowd.Principals, crowd.Stored, crowd.Registrations}

// alike are peers that differ from others by a setting that takes no memory.
var alike = []string{"x-oauth2-early", "google-sync", "azcore-challenge"}

// fewer are peers that take long to have a token, as RSA signatures do, and by
// what their tenants are divided.
var fewer = map[string]int{"google-2lo": 50, "ghinstallation": 50, "msal": 10, crowd.Stored: 10}

// tenantsOf is how many a peer has in its heap.
func tenantsOf(name string) int { return max(1, tenants()/max(1, fewer[name])) }

func main() {
	runtime.MemProfileRate = sampling
	peers := append(peer.Names(func(p peer.Peer) bool {
		// authtrip among the peers is a Manager for each tenant.
		return (!p.Static || p.Name == "min-clone") && !strings.HasPrefix(p.Name, "authtrip-") &&
			!slices.Contains(alike, p.Name)
	}), ours...)
	harness.Main(peers,
		harness.Scenario{
			Name:  "memory",
			Title: fmt.Sprintf("live heap of each of %d tenants, of fewer for slow peers, tokens of 64 characters", tenants()),
			Run:   memory, Goals: memoryGoals(), Timeout: 5 * time.Minute,
		},
		harness.Scenario{
			Name:  "lookup",
			Title: fmt.Sprintf("finding a token among those of %d tenants", tenants()),
			Cases: managed, Run: lookup, Lines: "way", Goals: lookupGoals(),
		},
		harness.Scenario{
			Name:  "evict",
			Title: "more principals than may be kept, 200 workers",
			Cases: evictions, Run: evict, Lines: "principals", Goals: evictGoals(),
		},
	)
}

// mostWarm is how many bytes of heap a tenant with a token may take.
var mostWarm = map[string]float64{crowd.Principals: 256, crowd.Registrations: 352}

func memoryGoals() (all []harness.Goal) {
	for _, kind := range []string{crowd.Principals, crowd.Registrations} {
		all = append(all,
			harness.Goal{Case: kind, Cell: "warm", AtMost: mostWarm[kind]},
			harness.Goal{Case: kind, Cell: "goroutines"},
			harness.Goal{Case: kind, Cell: "timers"},
		)
	}
	return all
}

func lookupGoals() (all []harness.Goal) {
	for _, kind := range []string{crowd.Principals, crowd.Registrations} {
		for _, way := range []string{byName, byHandle} {
			all = append(all,
				harness.Goal{Case: way + "/" + kind, Cell: colOfMap, AtMost: 2.2},
				harness.Goal{Case: way + "/" + kind, Cell: colHot, AtMost: 120},
			)
		}
	}
	return all
}

func evictGoals() (all []harness.Goal) {
	for _, c := range evictions(nil) {
		all = append(all, harness.Goal{Case: c, Cell: "failed"}, harness.Goal{Case: c, Cell: "above the cap"})
	}
	return all
}

// managed are the cases in which one Manager has all tenants.
func managed(peers []string) []string {
	return slices.DeleteFunc(slices.Clone(peers), func(name string) bool {
		return name != crowd.Principals && name != crowd.Registrations
	})
}

func tenants() int {
	if n, err := strconv.Atoi(os.Getenv("TENANTS")); err == nil && n > 0 {
		return n
	}
	return 100_000
}
