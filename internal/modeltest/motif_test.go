package modeltest_test

import (
	"net/http"
	"slices"
	"time"

	"github.com/authtrip/authtrip/authtest"
)

// motifs are steps that seldom come together by chance, and that some schedules
// have among the others.
var motifs = []func() []step{
	func() []step {
		return duringARenewal(authtest.Fault{SameToken: true, Delay: 700 * time.Millisecond}, invalidates)
	},
	func() []step {
		return duringARenewal(authtest.Fault{SameToken: true, Delay: 700 * time.Millisecond}, revokes)
	},
	func() []step {
		return duringARenewal(authtest.Fault{SameToken: true, Delay: 700 * time.Millisecond}, revokesAll)
	},
	func() []step {
		return duringARenewal(authtest.Fault{Delay: 300 * time.Millisecond, Reset: true}, revokesAll)
	},
	func() []step {
		return duringARenewal(authtest.Fault{Delay: 2 * time.Second, Status: http.StatusBadGateway}, revokesAll)
	},
	func() []step { return duringARenewal(authtest.Fault{Delay: 1500 * time.Millisecond}, suspects) },
	func() []step { return duringARenewal(authtest.Fault{Hang: true}, closes) },
	outageOfARenewal,
}

// outageOfARenewal has the authorization server fail when a token is to be
// renewed, and work again minutes later.
func outageOfARenewal() []step {
	get := []shape{{body: noBody, reply: 30}}
	return []step{
		{do: heals},
		{do: apiTurns, api: apiServes},
		{do: lives, by: 24 * time.Hour},
		{do: invalidates, then: 2 * time.Minute},
		{do: sends, callers: get, then: mostOfLife},
		{do: breaksDown, fault: slices.Index(faults, authtest.Fault{Status: http.StatusServiceUnavailable})},
		{do: sends, callers: get, then: 2 * time.Second},
		{do: heals, then: 7 * time.Minute},
		{do: sends, callers: get},
	}
}

// duringARenewal has something happen while a token that may be used still is
// being renewed.
func duringARenewal(f authtest.Fault, happens action) []step {
	get := []shape{{body: noBody, reply: 30}}
	return []step{
		{do: heals},
		{do: apiTurns, api: apiServes},
		{do: lives, by: 10 * time.Second},
		{do: passes, then: 2 * time.Minute},
		{do: sends, callers: get, then: mostOfLife},
		{do: breaksDown, fault: slices.Index(faults, f)},
		{do: sends, callers: get, then: 20 * time.Millisecond},
		{do: happens, then: 20 * time.Millisecond},
		{do: sends, callers: append(get, get...), then: 3 * time.Second},
		{do: heals},
		{do: sends, callers: get, then: 5 * time.Second},
	}
}
