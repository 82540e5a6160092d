package faultmatrix

import (
	"context"
	"net/http"
	"time"
)

// Fault is one way in which the world around a client goes wrong. All but the
// clocks and the suspended client befall the token endpoint.
type Fault struct {
	Title string
	// Says is what the client makes of it, which is what the expected figures
	// follow from.
	Says verdict

	// Answer takes the place of the token endpoint's. Its context ends when the
	// client leaves or the fault does.
	Answer func(context.Context, http.ResponseWriter, *http.Request)
	// Shows is in an error of it: that it happens as it is called.
	Shows string
	// Refuse stops the server, Certificate has it show one for another name,
	// Name is what the name server answers with.
	Refuse, Certificate bool
	Name                uint32
	// SuspendServer and SuspendClient stop a process (SIGSTOP) in the middle.
	SuspendServer, SuspendClient bool
	// Wall is how far the client's wall clock is set wrong.
	Wall time.Duration
	// After is how long the server says not to come back; 0 is nothing said.
	After time.Duration
	// Date says that it says so as a date.
	Date bool
	// Slow says that each attempt takes all the time it has.
	Slow bool
}

// verdict is what a fault makes of a token call.
type verdict int

const (
	works    verdict = iota // tokens can be had
	fails                   // the server does not work: tried again, counted by the breaker
	nonsense                // a reply that is none: counted, and remembered, so that it is not asked for at once
	refuses                 // the server works and says no: remembered, not counted
	waits                   // the server says when: counted, and heeded
)

// faults is the matrix's list. After is for how long those that say when to
// come back ask for: whole seconds.
func faults(after time.Duration) []Fault {
	return []Fault{
		{Title: "none", Says: works},
		{Title: "connection refused", Says: fails, Shows: "connection refused", Refuse: true},
		{Title: "name server fails", Says: fails, Shows: "server misbehaving", Name: servFail},
		{Title: "no such name", Says: fails, Shows: "no such host", Name: noSuchName},
		{Title: "certificate for another name", Says: fails, Shows: "certificate is valid for", Certificate: true},
		{Title: "reset before an answer", Says: fails, Shows: "token call: read tcp", Answer: cutOff("")},
		{Title: "reset after the headers", Says: fails, Shows: "the answer broke off", Answer: cutOff(headLines)},
		{Title: "reset in the body", Says: fails, Shows: "the answer broke off", Answer: cutOff(headLines + `{"access_token":"at.ha`)},
		{Title: "no answer", Says: fails, Shows: "no answer in time", Slow: true, Answer: hang},
		{Title: "an answer byte by byte", Says: fails, Shows: "no answer in time", Slow: true, Answer: drip},
		{Title: "server suspended (SIGSTOP)", Says: fails, Shows: "no answer in time", Slow: true, SuspendServer: true},
		{Title: "500", Says: fails, Shows: "HTTP 500", Answer: status(http.StatusInternalServerError, "", `{"error":"server_error"}`)},
		{Title: "503", Says: fails, Shows: "HTTP 503", Answer: status(http.StatusServiceUnavailable, "", "")},
		{Title: "503, Retry-After in seconds", Says: waits, Shows: "HTTP 503", After: after, Answer: status(http.StatusServiceUnavailable, seconds(after), "")},
		{Title: "503, Retry-After as a date", Says: waits, Shows: "HTTP 503", After: after, Date: true, Answer: comeBackAt(http.StatusServiceUnavailable, after)},
		{Title: "429", Says: refuses, Shows: "HTTP 429", Answer: status(http.StatusTooManyRequests, "", "")},
		{Title: "429, Retry-After in seconds", Says: refuses, Shows: "HTTP 429", After: after, Answer: status(http.StatusTooManyRequests, seconds(after), "")},
		{Title: "400 invalid_client", Says: refuses, Shows: "invalid_client", Answer: status(http.StatusBadRequest, "", `{"error":"invalid_client"}`)},
		{Title: "200 with HTML", Says: nonsense, Shows: "neither a JSON object nor a form", Answer: status(http.StatusOK, "", "<html><body>Please log in</body></html>")},
		{Title: "gzip bomb (1 GiB)", Says: nonsense, Shows: "longer than 1 MiB", Answer: gzipBomb},
		{Title: "reply of 1 GiB", Says: nonsense, Shows: "longer than 1 MiB", Answer: endless},
		{Title: "redirect to another host", Says: nonsense, Shows: "redirect", Answer: redirect},
		{Title: "clock an hour ahead", Says: works, Wall: time.Hour},
		{Title: "clock an hour behind", Says: works, Wall: -time.Hour},
		{Title: "client suspended (SIGSTOP)", Says: works, SuspendClient: true},
	}
}
