package authtrip_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
)

// tokenNow is the token that src gives.
func tokenNow(t *testing.T, src *authtrip.Source) authtrip.Token {
	t.Helper()
	tok, err := src.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestI06_ALateInvalidateOfAnOlderTokenBringsNoneBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		src := of(t, s.manager(t), "ann")
		s.login(t, src, "ann")
		one := tokenNow(t, src)
		src.Invalidate(one)
		time.Sleep(time.Second)
		two := tokenNow(t, src)
		src.Invalidate(two)
		src.Invalidate(one) // by somebody who is late
		if three := tokenNow(t, src); three.AccessToken() == one.AccessToken() || three.AccessToken() == two.AccessToken() {
			t.Fatal("what was invalidated came back from the Store")
		}
	})
}

// Others that were used longer ago are forgotten before it.
func TestI06_WhatWasJustInvalidatedIsNotForgottenFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		m := s.manager(t, authtrip.Policy{MaxTokens: 3})
		for _, who := range []string{"bob", "cid"} {
			s.login(t, of(t, m, who), who)
		}
		settle(time.Minute)
		src := of(t, m, "ann")
		s.login(t, src, "ann")
		one := tokenNow(t, src)
		src.Invalidate(one)
		s.login(t, of(t, m, "dan"), "dan")
		if tokenNow(t, src).AccessToken() == one.AccessToken() {
			t.Fatal("what was invalidated came back from the Store")
		}
	})
}

// A server may give the same token until it expires: whoever invalidates it
// again meanwhile must not have it asked for again and again.
func TestI02_LateInvalidatesSupersedeNoFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		src := newSource(t, registration(), authtrip.WithTokenTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
			calls++
			time.Sleep(time.Second)
			return (&replies{bodies: []string{`{"access_token":"the-same-token","token_type":"Bearer","expires_in":3600}`}}).RoundTrip(r)
		})))
		tok := tokenNow(t, src)
		src.Invalidate(tok)
		got := make(chan struct{})
		go func() {
			defer close(got)
			_, _ = src.Token(t.Context())
		}()
		for range 20 {
			time.Sleep(900 * time.Millisecond)
			select {
			case <-got:
				if calls != 2 {
					t.Fatalf("%d token calls, want 2", calls)
				}
				return
			default:
				src.Invalidate(tok)
			}
		}
		t.Fatalf("no token after %d calls", calls)
	})
}

func TestI03_AFailureIsRememberedThoughOthersComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused, given := 0, 0
		m, err := authtrip.NewManager([]authtrip.Registration{registration()}, authtrip.Policy{MaxTokens: 20},
			authtrip.WithTokenTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
				_ = r.ParseForm()
				if r.PostForm.Get("scope") == "bad" {
					refused++
					return (&replies{status: 400, bodies: []string{`{"error":"invalid_scope"}`}}).RoundTrip(r)
				}
				given++
				return (&replies{bodies: []string{fmt.Sprintf(`{"access_token":"token-%d","expires_in":3600}`, given)}}).RoundTrip(r)
			})))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = m.Close() }()
		rt := &authtrip.Transport{Source: m, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) { return jsonReply(r, 200, nil), nil })}
		ask := func(scope string) error {
			req := mustRequest(t, http.MethodGet, "https://api.example/", nil)
			_, err := rt.RoundTrip(req.WithContext(authtrip.WithScopes(t.Context(), scope)))
			return err
		}
		for i := range 300 {
			if ask("bad") == nil || ask(fmt.Sprint("good-", i)) != nil {
				t.Fatal("one is refused, and no other")
			}
			time.Sleep(2 * time.Millisecond)
		}
		if refused > 2 {
			t.Fatalf("asked %d times in 600 ms for what is refused", refused)
		}
	})
}
