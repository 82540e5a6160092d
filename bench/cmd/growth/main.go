// Command growth measures the processor time of a request, over a stub and with
// a valid token, as goroutines grow from 1 to 10,000, and as the tenants of one
// Manager grow from 1 to 100,000. It plots both.
package main

import (
	"flag"
	"strings"
	"time"

	"github.com/authtrip/authtrip/bench/crowd"
	"github.com/authtrip/authtrip/bench/harness"
)

const (
	floorName  = "min-mapclone"
	rounds     = 5
	colSteeper = "growth / the floor's" // what goals are about
	noise      = 1.1                    // a tenth
)

var (
	goroutineCounts = []int{1, 10, 100, 1_000, 10_000}
	tenantCounts    = []int{1, 10, 100, 1_000, 10_000, 100_000}
)

func main() {
	out := flag.String("out", "../docs/bench.svg", "where the plot goes; empty is nowhere")
	peers := []string{floorName, "authtrip", "x-oauth2", "google-async", "smithy-bearer", "aws-credscache"}
	medians := harness.Main(peers,
		harness.Scenario{
			Name:  "goroutines",
			Title: "processor time of a request, ns, garbage collection included, by goroutines",
			// In one process, so that rounds can be interleaved.
			Cases:   func(peers []string) []string { return []string{strings.Join(peers, ",")} },
			Run:     byGoroutines,
			Timeout: 10 * time.Minute,
			Goals:   []harness.Goal{{Case: "authtrip", Cell: colSteeper, AtMost: noise}},
		},
		harness.Scenario{
			Name:    "tenants",
			Title:   "processor time of a request for one of many tenants, ns, garbage collection included, by tenants",
			Cases:   func([]string) []string { return []string{crowd.Principals, crowd.Registrations} },
			Run:     byTenants,
			Timeout: 10 * time.Minute,
			Goals: []harness.Goal{
				{Case: crowd.Principals, Cell: colSteeper, AtMost: noise},
				{Case: crowd.Registrations, Cell: colSteeper, AtMost: noise},
			},
		},
	)
	if *out == "" || len(medians[0]) == 0 || len(medians[1]) == 0 {
		return
	}
	if err := plotAll(*out, medians[0], medians[1]); err != nil {
		harness.Exit(err)
	}
}
