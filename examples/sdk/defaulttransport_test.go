package main

import (
	"net/http"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/nhn"
)

// These tests change http.DefaultTransport: none of this package may run beside
// another.

func TestOnlyListedHostsGetATokenFromTheDefaultTransport(t *testing.T) {
	s := given(t)
	defer replaceDefault(s.src)()
	for _, url := range []string{s.cloud.APIURL + "/v1/organizations", s.cloud.ThirdPartyURL + "/stage"} {
		res, err := http.Get(url)
		must(t, answer(res, err))
	}
	if token, none := s.sentTo("api", nhn.HeaderAuthorization), s.sentTo("third-party", nhn.HeaderAuthentication, nhn.HeaderAuthorization, "Authorization"); token != 1 || none != 0 {
		t.Errorf("the listed host got %d tokens, the other %d; want 1 and 0", token, none)
	}
}

func TestTokenCallsDoNotGoThroughTheDefaultTransport(t *testing.T) {
	s := given(t)
	// A registration with the transport that every Source has by default.
	src, err := authtrip.NewSource(nhn.Registration(s.cloud.Credentials(), s.cloud.Options()...))
	must(t, err)
	defer func() { _ = src.Close() }()
	under := &counter{base: http.DefaultTransport}
	old := http.DefaultTransport
	http.DefaultTransport = under
	defer func() { http.DefaultTransport = old }()
	defer replaceDefault(src)()

	must(t, get(t.Context(), http.DefaultClient, s.cloud.APIURL+"/v1/organizations"))
	must(t, src.Revoke(t.Context()))
	if got := s.cloud.Counts(); under.n.Load() != 1 || got.TokenCalls != 1 || got.Revocations != 1 {
		t.Errorf("%d requests over the default transport, %d token calls, %d revocations; want 1 of each", under.n.Load(), got.TokenCalls, got.Revocations)
	}
}

// What it puts at risk, as docs/clients.md says it.

func TestWithoutOriginsTheDefaultTransportGivesTheTokenToEverybody(t *testing.T) {
	s := given(t)
	everywhere := nhn.Registration(s.cloud.Credentials(), s.cloud.Options()...)
	everywhere.Origins, everywhere.Envelopes, everywhere.HostHeaders = nil, nil, nil
	src, err := authtrip.NewSource(everywhere)
	must(t, err)
	defer func() { _ = src.Close() }()
	defer replaceDefault(src)()
	must(t, get(t.Context(), http.DefaultClient, s.cloud.ThirdPartyURL+"/stage"))
	if got := s.cloud.Counts().Leaked; got != 1 {
		t.Errorf("%d tokens went to the third party; docs/clients.md says that they do", got)
	}
}

func TestOverTheDefaultTransportAnotherRegistrationsTokenIsReplaced(t *testing.T) {
	s, other := given(t), given(t)
	theirs := nhn.Registration(other.cloud.Credentials(), append(other.cloud.Options(), nhn.Origins(s.cloud.APIURL))...)
	src, err := authtrip.NewSource(theirs)
	must(t, err)
	defer func() { _ = src.Close() }()
	var carried []string
	under := &counter{base: http.DefaultTransport, look: func(r *http.Request) { carried = append(carried, r.Header.Get(nhn.HeaderAuthorization)) }}
	old := http.DefaultTransport
	http.DefaultTransport = under
	defer func() { http.DefaultTransport = old }()
	undo := replaceDefault(s.src)
	defer undo()
	mine, err := s.src.Token(t.Context())
	must(t, err)
	its, err := src.Token(t.Context())
	must(t, err)

	// A client of the other registration without a Base goes through the
	// default; one with a Base does not.
	overDefault := &http.Client{Transport: &authtrip.Transport{Source: src}}
	beside := &http.Client{Transport: &authtrip.Transport{Source: src, Base: under}}
	for _, client := range []*http.Client{overDefault, beside} {
		res, err := client.Get(s.cloud.APIURL + "/v1/organizations")
		must(t, err)
		must(t, res.Body.Close())
	}
	want := []string{"Bearer " + mine.AccessToken(), "Bearer " + its.AccessToken()}
	if len(carried) < 2 || !slices.Equal(carried[:2], want) {
		t.Errorf("%d requests carried other tokens than the default's and then the client's own", len(carried))
	}
}

// counter is the transport that was there before.
type counter struct {
	base http.RoundTripper
	n    atomic.Int32
	look func(*http.Request)
}

func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	c.n.Add(1)
	if c.look != nil {
		c.look(r)
	}
	return c.base.RoundTrip(r)
}
