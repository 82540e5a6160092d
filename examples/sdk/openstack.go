package main

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"

	"github.com/authtrip/authtrip/nhn"
)

// openStack emulates the infrastructure side of the cloud: Keystone v3, and a
// compute service that lists one server to who has a Keystone token.
type openStack struct {
	*httptest.Server

	mu     sync.Mutex
	token  string // guarded by mu; the valid one
	counts stackCounts
}

// stackCounts are what an openStack saw.
type stackCounts struct {
	logins   int // Keystone tokens issued
	listed   int // lists of servers
	rejected int // requests without a valid Keystone token
	leaked   int // requests that carried what belongs to NHN Cloud's public API
}

func newOpenStack() *openStack {
	s := new(openStack)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v3/auth/tokens", s.login)
	mux.HandleFunc("GET /compute/v2.1/servers/detail", s.servers)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.look(r)
		mux.ServeHTTP(w, r)
	}))
	return s
}

func (s *openStack) look(r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range []string{nhn.HeaderAuthentication, nhn.HeaderAuthorization, nhn.HeaderRDSAppKey, "Authorization"} {
		if len(r.Header.Values(name)) > 0 {
			s.counts.leaked++
			return
		}
	}
}

func (s *openStack) login(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = rand.Text()
	s.counts.logins++
	w.Header().Set("X-Subject-Token", s.token)
	w.WriteHeader(http.StatusCreated)
	type object = map[string]any
	_ = json.NewEncoder(w).Encode(object{"token": object{
		"expires_at": "2100-01-01T00:00:00.000000Z",
		"catalog": []object{{"type": "compute", "name": "nova", "endpoints": []object{
			{"interface": "public", "region": "KR1", "region_id": "KR1", "url": s.URL + "/compute/v2.1"},
		}}},
	}})
}

func (s *openStack) servers(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Header.Get("X-Auth-Token") != s.token {
		s.counts.rejected++
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	s.counts.listed++
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"servers": [{"id": "1", "name": "web-1"}]}`)
}

// expire ends the Keystone token.
func (s *openStack) expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = rand.Text()
}

func (s *openStack) seen() stackCounts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts
}
