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
	TokenCalls  int // requests to the token endpoint, failed ones too
	Concurrent  int // the most of them at one time
	Issued      int // tokens issued
	Revocations int // calls of the revocation endpoint that it accepted
	Accepted    int // API requests whose token was valid
	Rejected    int // API requests whose token was not, or that had none
}

// Request is one request that an emulator saw. It holds no header value and no
// query: they may be secrets.
type Request struct {
	Server  string // "auth" or "api"
	Method  string
	Path    string
	Headers []string // names, sorted
}

// Counts returns the counts so far.
func (s *NHN) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts
}

// Requests returns the requests so far, the latest 10,000 of them, in order.
func (s *NHN) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests[max(0, len(s.requests)-maxRequests):])
}

func (s *NHN) record(server string, r *http.Request) {
	seen := Request{Server: server, Method: r.Method, Path: r.URL.Path, Headers: slices.Sorted(maps.Keys(r.Header))}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.requests) == 2*maxRequests {
		s.requests = append(s.requests[:0], s.requests[maxRequests:]...)
	}
	s.requests = append(s.requests, seen)
}

// beginTokenCall counts a token call; the func it returns ends it.
func (s *NHN) beginTokenCall() (end func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.TokenCalls++
	s.calling++
	s.counts.Concurrent = max(s.counts.Concurrent, s.calling)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.calling--
	}
}
