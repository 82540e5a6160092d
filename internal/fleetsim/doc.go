// Package fleetsim measures a fleet: a thousand Managers, each as if it were a
// process of its own, over one Store and one authorization server. It has tests
// only.
//
//	go test -run TestAFleetKeepsItsBounds ./internal/fleetsim         # what the design promises
//	go test -run TestFigures -count=1 ./internal/fleetsim -write      # the table of docs/fleet.md
//
// All protocol code is the library's own, and runs in a testing/synctest bubble:
// time is virtual, so that hours pass in seconds, and a wait is what the
// protocol makes of it, however busy the machine is. What is left to chance is
// jitter, and the order of what happens at one instant: the table has the median
// and the worst of several runs.
//
// Made up are the Store's engine, which takes a time for an operation and may do
// one after another as Redis does, and both servers, which are round trippers: the
// network would add nothing to what is counted.
package fleetsim
