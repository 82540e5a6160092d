// Package modeltest drives authtrip through random schedules, and compares what
// it does with a small model of what it may do. It has tests only, in a module
// of its own.
//
//	go test ./...                                        # 500 schedules, and whether the planted bugs fit
//	go test -run EverySchedule -v -rapid.seed=0 -rapid.checks=20000 .  # more and others, with figures
//	go test -run PlantedBugsAreFound -v -planted -timeout 30m .
//
// A schedule is data, drawn before anything runs: requests of many shapes (one
// or several at once, with bodies that can be had again or not, with deadlines
// and cancellations), tokens of a second or a day, revocation, a token endpoint
// that fails in every way that authtest has, an API that rejects, Invalidate,
// Suspect, Revoke, Close, and steps of the wall clock. It runs in a
// testing/synctest bubble, so that hours pass in milliseconds, over the emulator
// of authtest and nothing that is made up.
//
// The model is told of what is seen at the edges, at the callers, the token
// endpoint and the API, and says which rule was broken: that there is one
// flight; that each token call has a cause and none comes inside a pause, the
// memory of a refusal or an open circuit; that no request goes without a token,
// with an expired or dropped one, a third time, or after Close; that bodies and
// responses are whole; that nobody waits beside a token or beyond their context;
// that errors say what happened and show no secret; that a world that is healthy
// again serves, and nothing is left after Close. Nothing fails inside the bubble:
// the first broken rule is handed out, so that rapid can make the schedule
// smaller and print it with all that was seen. Some order within one instant is
// the scheduler's: a failure may not come back at the first try.
//
// At the end the test prints what was reached, and fails when some kind of event
// never happened.
//
// planted/bugs.txt has faults to plant in a copy of the library, to see that
// the model finds them. Each names what stands in the library once; a test sees
// that it still does.
package modeltest
