package authtrip_test

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
)

// via counts what goes through it, by path.
type via struct {
	next http.RoundTripper

	mu    sync.Mutex
	calls map[string]int // guarded by mu
}

func newVia(next http.RoundTripper) *via { return &via{next: next, calls: map[string]int{}} }

func (v *via) RoundTrip(r *http.Request) (*http.Response, error) {
	v.mu.Lock()
	v.calls[r.URL.Path]++
	v.mu.Unlock()
	return v.next.RoundTrip(r)
}

func (v *via) want(t *testing.T, name string, tokens, revocations int) {
	t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.calls["/token"] != tokens || v.calls["/revoke"] != revocations || len(v.calls) > 2 {
		t.Errorf("%s: %v, want %d token calls and %d revocations", name, v.calls, tokens, revocations)
	}
}

// Codes, refresh tokens and revocations alike.
func TestARegistrationsTokenTransportIsForAllItsCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		itsOwn, shared := newVia(s), newVia(s)
		m := s.managerOf(t, []authtrip.Registration{
			user(func(r *authtrip.Registration) { r.TokenTransport = itsOwn }),
			user(func(r *authtrip.Registration) { r.ID = "others" }),
		}, authtrip.WithTokenTransport(shared))
		others, err := m.SourceFor("others", "bob")
		if err != nil {
			t.Fatal(err)
		}
		ann := of(t, m, "ann")

		s.login(t, ann, "ann")
		itsOwn.want(t, "a code", 1, 0)
		settle(time.Hour)
		s.mustBe(t, ann, "ann")
		itsOwn.want(t, "a refresh", 2, 0)
		if err := ann.Revoke(t.Context()); err != nil {
			t.Fatal(err)
		}
		itsOwn.want(t, "a logout", 2, 2) // refresh and access token
		shared.want(t, "the Manager's, meanwhile", 0, 0)

		s.login(t, others, "bob")
		settle(time.Hour)
		s.mustBe(t, others, "bob")
		if err := others.Revoke(t.Context()); err != nil {
			t.Fatal(err)
		}
		shared.want(t, "another registration", 2, 2)
		itsOwn.want(t, "the first, meanwhile", 2, 2)
	})
}

// The token call, its renewal, and the end at Close.
func TestAClientsOwnTokenGoesThroughItsTokenTransport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answers := roundTripFunc(func(r *http.Request) (*http.Response, error) {
			return jsonReply(r, 200, map[string]any{"access_token": "a", "expires_in": 60}), nil
		})
		itsOwn, shared := newVia(answers), newVia(answers)
		one, two := registration(), registration()
		one.ID, one.TokenTransport = "one", itsOwn
		two.ID = "two"
		one.RevocationEndpoint.URL, two.RevocationEndpoint.URL = "https://auth.example/revoke", "https://auth.example/revoke"
		m, err := authtrip.NewManager([]authtrip.Registration{one, two}, authtrip.WithTokenTransport(shared), authtrip.Policy{RevokeOnClose: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"one", "two"} {
			if _, err := source(t, m, id).Token(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		settle(50 * time.Second)
		if _, err := source(t, m, "one").Token(t.Context()); err != nil { // renews behind
			t.Fatal(err)
		}
		settle(time.Second)
		if err := source(t, m, "one").Revoke(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := source(t, m, "one").Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		itsOwn.want(t, "its own", 3, 2)
		shared.want(t, "the Manager's", 1, 1)
	})
}

// The order of options does not matter, nor whether there is another.
func TestASourcesTokenTransportIsItsRegistrations(t *testing.T) {
	for name, options := range map[string][]authtrip.Option{
		"alone":       nil,
		"and another": {authtrip.WithTokenTransport(roundTripFunc(func(*http.Request) (*http.Response, error) { panic("not this one") }))},
	} {
		r := registration()
		mine := newVia(&replies{bodies: []string{`{"access_token":"a"}`}})
		r.TokenTransport = mine
		src := newSource(t, r, options...)
		r.TokenTransport = nil // later changes nothing
		if tok, err := src.Token(t.Context()); err != nil || tok.AccessToken() != "a" {
			t.Errorf("%s: %v", name, err)
		}
		mine.want(t, name, 1, 0)
	}
}

// A registration's transport says nothing about how its server is: they share
// one circuit breaker all the same.
func TestI11_RegistrationsWithOtherTransportsShareTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := roundTripFunc(func(*http.Request) (*http.Response, error) { return nil, errDial })
		one, two := registration(), registration()
		one.ID, one.TokenTransport, two.ID = "one", down, "two"
		m, err := authtrip.NewManager([]authtrip.Registration{one, two}, authtrip.WithTokenTransport(roundTripFunc(func(*http.Request) (*http.Response, error) {
			t.Error("the circuit is closed")
			return nil, errDial
		})))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = m.Close() }()
		for range 2 { // three attempts each
			if _, err := source(t, m, "one").Token(t.Context()); err == nil {
				t.Fatal("no error")
			}
		}
		_, err = source(t, m, "two").Token(t.Context())
		wantAll(t, err, `"two"`, "circuit")
	})
}
