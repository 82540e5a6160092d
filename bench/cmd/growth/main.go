// Command growth measures the processor time of a request, over a stub and with a valid
// token, as goroutines grow from 1 to 10,000, and as the tenants of one Manager
// grow from 1 to 100,000. It plots both.
package main

import (
	"flag"
	"strings"
	"time"

	"github.com/authtrip/authtrip/bench/crowd"
	"github.com/authtrip/authtrip/bench/parts"
)

const (
	floorName    = "min-mapclone"
	authtripName = "authtrip"
	rounds       = 5
)

var (
	goroutineCounts = []int{1, 10, 100, 1_000, 10_000}
	tenantCounts    = []int{1, 10, 100, 1_000, 10_000, 100_000}
)

// The parts, and the columns that goals are about.
const (
	goroutinesPart = "goroutines"
	tenantsPart    = "tenants"
	colGrowth      = "most / first"
	colSteeper     = "growth / the floor's"
)

func main() {
	out := flag.String("out", "../docs/bench.svg", "where the plot goes; empty is nowhere")
	parts.Main(parts.Program{
		Title: "the processor time of a request, garbage collection included",
		Peers: []string{floorName, authtripName, "x-oauth2", "google-async", "smithy-bearer", "aws-credscache"},
		Parts: []parts.Part{
			{
				Name: goroutinesPart, Title: "Processor time of a request, ns, by goroutines",
				// In one process, so that rounds can be interleaved.
				Cases: func(peers []string) []string { return []string{strings.Join(peers, ",")} },
				Run:   byGoroutines,
			},
			{
				Name: tenantsPart, Title: "Processor time of a request for one of many tenants, ns, by tenants",
				Cases: func([]string) []string { return []string{crowd.Principals, crowd.Registrations} },
				Run:   byTenants,
			},
		},
		Goals: []parts.Goal{
			// A tenth is noise.
			{What: "growth from 1 to 10,000 goroutines, over the floor's", Part: goroutinesPart, Row: authtripName, Column: colSteeper, AtMost: 1.1},
			{What: "growth from 1 to 100,000 principals, over the floor's", Part: tenantsPart, Row: crowd.Principals, Column: colSteeper, AtMost: 1.1},
			{What: "growth from 1 to 100,000 registrations, over the floor's", Part: tenantsPart, Row: crowd.Registrations, Column: colSteeper, AtMost: 1.1},
		},
		Limit: 10 * time.Minute,
		After: func(r parts.Results) error {
			if *out == "" || r[goroutinesPart] == nil || r[tenantsPart] == nil {
				return nil
			}
			return plotAll(*out, r)
		},
	})
}
