package peer

import (
	"context"
	"net/http"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/nhn"
)

// options are none but those the Config names. The default FetchTimeout is
// 10 s; who wants token calls to end sooner, or later, sets it, as users of the
// others set the Timeout of an http.Client.
func options(c Config) []authtrip.Option {
	o := []authtrip.Option{authtrip.WithTokenTransport(c.TokenTransport)}
	if c.TokenTimeout > 0 {
		o = append(o, authtrip.Policy{FetchTimeout: c.TokenTimeout})
	}
	return o
}

func newSource(c Config) (*authtrip.Source, error) {
	return authtrip.NewSource(authtrip.Registration{
		ID: "bench", ClientID: c.ClientID, ClientSecret: authtrip.NewSecret(c.ClientSecret),
		TokenEndpoint: authtrip.Endpoint{URL: c.TokenURL},
	}, options(c)...)
}

func sourceLookup(src *authtrip.Source, err error) (Lookup, error) {
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (string, error) {
		t, err := src.Token(ctx)
		return t.AccessToken(), err
	}, nil
}

func sourceTransport(c Config, src *authtrip.Source, err error) (http.RoundTripper, error) {
	if err != nil {
		return nil, err
	}
	return &authtrip.Transport{Source: src, Base: c.Base}, nil
}

// authTrip is the library with default settings.
var authTrip = Peer{
	Name: "authtrip",
	Ours: true,
	New: func(c Config) (http.RoundTripper, error) {
		src, err := newSource(c)
		return sourceTransport(c, src, err)
	},
	Lookup: func(c Config) (Lookup, error) { return sourceLookup(newSource(c)) },
}

// nhnRegistration is the preset of NHN Cloud, with all its hosts, both headers
// and its envelopes, and the API as one more host that answers like those of the
// framework API. Only its authorization server is ours.
func nhnRegistration(c Config) authtrip.Registration {
	return nhn.Registration(
		nhn.Credentials{UserAccessKeyID: c.ClientID, SecretAccessKey: authtrip.NewSecret(c.ClientSecret)},
		nhn.AuthServer(c.server()),
		nhn.Origins(c.origin()),
		nhn.RejectedCodes(c.origin(), "80007", "80401"),
	)
}

// authTripNHN sends the token in two headers, to hosts that are listed.
var authTripNHN = Peer{
	Name: "authtrip-nhn",
	Ours: true,
	New: func(c Config) (http.RoundTripper, error) {
		src, err := authtrip.NewSource(nhnRegistration(c), options(c)...)
		return sourceTransport(c, src, err)
	},
	Lookup: func(c Config) (Lookup, error) {
		return sourceLookup(authtrip.NewSource(nhnRegistration(c), options(c)...))
	},
}

// NoEnvelope is authtrip-nhn that does not look into responses: what it costs
// less is the cost of the envelope check. It is not in All.
var NoEnvelope = Peer{
	Name: "authtrip-nhn-no-envelope",
	Ours: true,
	New: func(c Config) (http.RoundTripper, error) {
		r := nhnRegistration(c)
		r.Envelopes = nil
		src, err := authtrip.NewSource(r, options(c)...)
		return sourceTransport(c, src, err)
	},
}
