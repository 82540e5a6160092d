package modeltest_test

import "time"

// model is what may happen. It is told of all that is seen at the edges: what
// callers want and get, token calls, requests at the API. It knows the
// documents and nothing of the code. Where two things happen at one instant,
// and their order cannot be seen, it allows what either would.
//
// A world's lock guards all of it.
type model struct {
	ledger
	circuit circuit
	refusal memory
	pause   pause

	tokens  map[string]*token
	held    *token // the token in use; nil: none
	all     []*caller
	callers []*caller // that are under way, or ended at this instant
	live    *call     // the token call under way
	flight  flight    // the last one
	count   figures

	wall time.Duration // how much the wall clock was set forward

	stirred    moment // when a token was dropped or told to be suspect last
	rejected   moment // when the token in use was rejected last
	nextTry    moment // no renewal behind requests before
	nextAsk    moment // nor any call for want of a token, since the server gave the same again
	renewDelay time.Duration
	closing    moment // when Close was called
	closed     moment // when it returned
	outage     moment // when a flight failed, or brought nothing new, last
	outageFrom moment // when that flight began
	unsure     bool   // of which token is in use, until another comes
	due        moment // when a renewal should have begun; never

	said       map[int]moment // when the token endpoint answered with a status last
	timedOut   moment         // when a token call had no answer in time last
	cutOff     moment         // when one had none for another reason last
	handedOn   int            // responses that rejected their token, after one sending
	notReplays int            // Hooks.NotReplayed
	changes    map[string]int // Hooks.CircuitChanged, by the new state
}

func newModel() *model {
	m := &model{tokens: map[string]*token{}, count: figures{}, stirred: never, rejected: never, nextTry: never, nextAsk: never,
		closing: never, closed: never, outage: never, outageFrom: never, due: never, timedOut: never, cutOff: never,
		said: map[int]moment{}, changes: map[string]int{}}
	m.ledger.began = time.Now()
	m.refusal.until, m.pause.until, m.pause.cut, m.pause.last = never, never, never, never
	m.flight = flight{start: never, end: never}
	m.circuit.retryAfter, m.circuit.wasOpen = never, never
	return m
}
