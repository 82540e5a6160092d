package main

import (
	"net/http"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/bench/peer"
)

// ours is authtrip with its default settings.
var ours = peer.Peer{
	Name: authtripName,
	New: func(c peer.Config) (http.RoundTripper, error) {
		src, err := authtrip.NewSource(authtrip.Registration{
			ID: "bench", ClientID: c.ClientID, ClientSecret: authtrip.NewSecret(c.ClientSecret),
			TokenEndpoint: authtrip.Endpoint{URL: c.TokenURL},
			Origins:       []string{"api.example.test"},
		}, authtrip.WithTokenTransport(c.TokenTransport))
		if err != nil {
			return nil, err
		}
		return &authtrip.Transport{Source: src, Base: c.Base}, nil
	},
}
