package main

import (
	"net/http"
	"sync"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/bench/peer"
)

const authtripName = "authtrip"

// circuit notes when authtrip's circuit changed.
type circuit struct {
	mu    sync.Mutex
	opens []time.Time // guarded by mu
}

func (c *circuit) changed(_, _, to string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if to == "open" {
		c.opens = append(c.opens, time.Now())
	}
}

// opened is when the circuit opened first; zero if it never did.
func (c *circuit) opened() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.opens) == 0 {
		return time.Time{}
	}
	return c.opens[0]
}

// newAuthtrip is the peer of that name with an origin and a hook, which only
// watches.
func newAuthtrip(c peer.Config, watch *circuit) (http.RoundTripper, error) {
	src, err := authtrip.NewSource(authtrip.Registration{
		ID: "bench", ClientID: c.ClientID, ClientSecret: authtrip.NewSecret(c.ClientSecret),
		TokenEndpoint: authtrip.Endpoint{URL: c.TokenURL},
		Origins:       []string{"api.example.test"},
	}, authtrip.WithTokenTransport(c.TokenTransport), authtrip.Policy{FetchTimeout: c.TokenTimeout}, authtrip.Hooks{CircuitChanged: watch.changed})
	if err != nil {
		return nil, err
	}
	return &authtrip.Transport{Source: src, Base: c.Base}, nil
}
