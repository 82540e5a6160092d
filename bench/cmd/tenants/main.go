// Command tenants measures 100,000 credentials at once: the live heap of each,
// for every peer and for the two ways that authtrip has of keeping many; the
// time to find one of them, beside a plain map; and what happens when there are
// more than may be kept.
//
// TENANTS sets another number. HEAPS names a directory for heap profiles of the
// Managers.
package main

import (
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/authtrip/authtrip/bench/crowd"
	"github.com/authtrip/authtrip/bench/parts"
	"github.com/authtrip/authtrip/bench/peer"
)

// ours are the peers that are Managers of all tenants.
var ours = []string{crowd.Principals, crowd.Stored, crowd.Registrations}

func main() {
	runtime.MemProfileRate = sampling
	parts.Main(parts.Program{
		Title: strconv.Itoa(tenants()) + " tenants",
		Peers: append(peer.Names(func(p peer.Peer) bool {
			// authtrip among the peers is a Manager for each tenant.
			return (!p.Static || p.Name == "min-clone") && !strings.HasPrefix(p.Name, "authtrip-")
		}), ours...),
		Parts: []parts.Part{
			{Name: "memory", Title: "Live heap per tenant, token of 64 characters", Cases: same, Run: memory},
			{Name: "lookup", Title: "Finding a token", Cases: managed, Run: lookup},
			{Name: "evict", Title: "More principals than may be kept, 200 workers", Cases: evictions, Run: evict},
		},
		Goals: goals(),
	})
}

func goals() []parts.Goal {
	list := []parts.Goal{
		{What: "live heap per principal, B", Part: "memory", Row: crowd.Principals, Column: "B warm", AtMost: 256},
		{What: "live heap per registration, B", Part: "memory", Row: crowd.Registrations, Column: "B warm", AtMost: 352},
		{What: "live heap per principal after a renewal, B", Part: "memory", Row: crowd.Principals, Column: "B renewed", AtMost: 256},
		{What: "live heap per registration after a renewal, B", Part: "memory", Row: crowd.Registrations, Column: "B renewed", AtMost: 352},
		{What: "goroutines per principal", Part: "memory", Row: crowd.Principals, Column: "goroutines", AtMost: 0},
		{What: "goroutines per registration", Part: "memory", Row: crowd.Registrations, Column: "goroutines", AtMost: 0},
		{What: "timers per principal", Part: "memory", Row: crowd.Principals, Column: "timers", AtMost: 0},
		{What: "timers per registration", Part: "memory", Row: crowd.Registrations, Column: "timers", AtMost: 0},
	}
	for _, c := range []string{crowd.Principals, crowd.Registrations} {
		for _, way := range ways {
			list = append(list,
				parts.Goal{What: c + ": " + way + ", random order, × a map get", Part: "lookup", Row: c + ": " + way, Column: "× map get", AtMost: 2.2},
				parts.Goal{What: c + ": " + way + ", one hot tenant, ns", Part: "lookup", Row: c + ": " + way, Column: "hot ns", AtMost: 120},
			)
		}
	}
	for _, c := range evictions(nil) {
		list = append(list,
			parts.Goal{What: c + ": requests that failed", Part: "evict", Row: c, Column: "failed", AtMost: 0},
			parts.Goal{What: c + ": live tokens above the cap", Part: "evict", Row: c, Column: "above the cap", AtMost: 0},
		)
	}
	return list
}

func same(peers []string) []string { return peers }

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
