package authtest

import (
	"maps"
	"net/http"
	"slices"
)

// maxRequests is how many requests are kept.
const maxRequests = 10_000

// Counts are what an emulator saw since it was started.
type Counts struct {
	TokenCalls int // requests to the token endpoint, failed ones too
	Concurrent int // the most of them at one time
	Issued     int // access tokens issued
	Accepted   int // API requests whose token was valid
	Rejected   int // API requests whose token was not, or that had none

	// Of an NHN.
	Revocations int // calls of the revocation endpoint that it accepted
	Leaked      int // requests to ThirdPartyURL that carried a token's header

	// Of a PRISM.
	CodeCalls           int // token calls with a code, failed ones too
	RefreshCalls        int // token calls with a refresh token, failed ones too
	CodesReused         int // of the former, those with a code that was used
	RefreshTokensReused int // of the latter, those with one rotated away
}

// Request is one request that an emulator saw. It holds no header value and no
// query: they may be secrets.
type Request struct {
	Server  string // "auth", "api", a Service or "third-party"
	Method  string
	Path    string
	Headers []string // names, sorted
}

// Counts returns the counts so far.
func (e *emulator) Counts() Counts {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.counts
}

// Requests returns the requests so far, the latest 10,000 of them, in order.
func (e *emulator) Requests() []Request {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.requests[max(0, len(e.requests)-maxRequests):])
}

func (e *emulator) record(server string, r *http.Request) {
	seen := Request{Server: server, Method: r.Method, Path: r.URL.Path, Headers: slices.Sorted(maps.Keys(r.Header))}
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.requests) == 2*maxRequests {
		e.requests = append(e.requests[:0], e.requests[maxRequests:]...)
	}
	e.requests = append(e.requests, seen)
}

// beginTokenCall counts a token call; the func it returns ends it.
func (e *emulator) beginTokenCall() (end func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.counts.TokenCalls++
	e.calling++
	e.counts.Concurrent = max(e.counts.Concurrent, e.calling)
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.calling--
	}
}

// judged counts an API request by its token. e.mu is held.
func (e *emulator) judged(ok bool) {
	if ok {
		e.counts.Accepted++
	} else {
		e.counts.Rejected++
	}
}
