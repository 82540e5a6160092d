package xoauth2_test

import (
	"net/http"
	"slices"
	"testing"

	"golang.org/x/oauth2"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/contrib/xoauth2"
)

// A program of x/oauth2 moves here, half of it or all of it, and back: neither
// server can tell.
func TestAProgramThatMovesSendsTheSameRequests(t *testing.T) {
	w := newWorld(t)
	cfg := w.config()
	here := func(reg authtrip.Registration) *authtrip.Source { return newSource(t, reg) }
	program := func(client *http.Client) (tokenCalls, apiCalls []call) {
		w.want(t, client, 3, http.StatusOK)
		return w.calls()
	}
	tokens, requests := program(cfg.Client(t.Context()))
	if len(tokens) != 1 || len(requests) != 3 {
		t.Fatalf("x/oauth2 made %d token calls for %d requests", len(tokens), len(requests))
	}
	for name, client := range map[string]*http.Client{
		"its config moved": {Transport: &authtrip.Transport{Source: here(xoauth2.FromClientCredentials("shop", cfg))}},
		"its TokenSource moved": {Transport: &authtrip.Transport{
			Source: here(mustFrom(t, "shop", cfg.TokenSource(t.Context()))),
		}},
		"the config moved, and back": {Transport: &oauth2.Transport{
			Source: xoauth2.TokenSource(t.Context(), here(xoauth2.FromClientCredentials("shop", cfg))),
		}},
		"the TokenSource moved, and back": {Transport: &oauth2.Transport{
			Source: xoauth2.TokenSource(t.Context(), here(mustFrom(t, "shop", cfg.TokenSource(t.Context())))),
		}},
		"there and back again": {Transport: &authtrip.Transport{
			Source: here(mustFrom(t, "again", xoauth2.TokenSource(t.Context(), here(xoauth2.FromClientCredentials("shop", cfg))))),
		}},
	} {
		moved, sent := program(client)
		if !slices.Equal(moved, tokens) || !slices.Equal(sent, requests) {
			t.Errorf("%s: the servers saw\n%q\n%q, and before\n%q\n%q", name, moved, sent, tokens, requests)
		}
	}
}
