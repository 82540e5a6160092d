package faultmatrix

import (
	"time"

	"github.com/authtrip/authtrip/internal/vitals"
)

// Orders go from the matrix to a client on its standard input, reports come
// back on its standard output, as JSON, one for one.

// order is what a client is to do.
type order struct {
	Do string // set up, send one, age, set the clock, work, recover, rest, end

	Setup setup         `json:",omitzero"`
	For   time.Duration `json:",omitzero"`
}

// setup is what a client is made from.
type setup struct {
	APIURL, TokenURL, NameServer string
	Trusted                      []byte // the certificate of who signs the servers'
	ClientID, ClientSecret       string
	Method                       string
	Workers                      int
	Think                        time.Duration // between a worker's requests
	FetchTimeout                 time.Duration
	BreakerDelay, BreakerMax     time.Duration
	Patience                     time.Duration // of callers: longer than anything may take
}

// report is what a client did.
type report struct {
	Error string `json:",omitempty"` // the client itself did not work

	Work   work          `json:",omitzero"`
	Took   time.Duration `json:",omitzero"`
	Vitals vitals.Vitals `json:",omitzero"`
	// Said is all that was said: errors and hooks, printed in every way. Dropped
	// is how many texts there were besides. BodiesOpen is how many of the
	// requests' bodies were not closed.
	Said                []string `json:",omitempty"`
	Dropped, BodiesOpen int      `json:",omitzero"`
}

// work is what the workers' requests came to.
type work struct {
	Requests int
	Failed   int            // an error, or another status than 200
	Kinds    map[string]int // of failures
	Damaged  int            // responses that were not whole
	Took     time.Duration  // all of it
	Longest  time.Duration  // of one request
	// LongestOpen is that of those that an open circuit refused.
	LongestOpen time.Duration
	Attempts    int // token calls, those that reached no server included
	Opened      int // times that the circuit opened
	Probes      int
	Closed      int
}
