package main

import (
	"errors"
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/nhn"
)

func TestAnAuthenticatorGivesTheTokenAndTheApplicationKeyToListedHostsOnly(t *testing.T) {
	s := given(t)
	auth := nhn.Authenticator{Source: s.src}
	must(t, newRDSClient(s.cloud.Service(authtest.RDS), auth).instances(t.Context()))
	must(t, newRDSClient(s.cloud.Service(authtest.Framework), auth).instances(t.Context()))
	must(t, newRDSClient(s.cloud.ThirdPartyURL, auth).instances(t.Context()))

	token := []string{nhn.HeaderAuthentication, nhn.HeaderAuthorization}
	for _, want := range []struct {
		server      string
		token, keys int
	}{{"rds", 1, 1}, {"framework", 1, 0}, {"third-party", 0, 0}} {
		if got := s.sentTo(want.server, token...); got != want.token {
			t.Errorf("%s got %d tokens, want %d", want.server, got, want.token)
		}
		if got := s.sentTo(want.server, nhn.HeaderRDSAppKey); got != want.keys {
			t.Errorf("%s got %d application keys, want %d", want.server, got, want.keys)
		}
	}
}

func TestAnSDKWithAnAuthenticatorIsServedAgainAfterSuspect(t *testing.T) {
	s := given(t)
	rds := newRDSClient(s.cloud.Service(authtest.RDS), nhn.Authenticator{Source: s.src})
	must(t, rds.instances(t.Context()))
	tok, err := s.src.Token(t.Context())
	must(t, err)
	s.cloud.RevokeAll()

	// Nobody but the SDK sees the rejection, and goes on seeing it.
	for range 3 {
		if err := rds.instances(t.Context()); !errors.Is(err, errTokenEnded) {
			t.Fatalf("got %v, want the rejection", err)
		}
	}
	s.src.Suspect(tok)
	must(t, rds.instances(t.Context()))
	if got := s.cloud.Counts().TokenCalls; got != 2 {
		t.Errorf("%d token calls, want 2", got)
	}
}

func TestAnSDKWithAnAuthenticatorHearsThatTheCircuitIsOpen(t *testing.T) {
	s := given(t)
	s.withoutToken(t)
	s.openCircuit(t)
	before := s.cloud.Counts()
	auth := nhn.Authenticator{Source: s.src}
	for name, err := range map[string]error{
		"Authenticate":   newRDSClient(s.cloud.Service(authtest.RDS), auth).instances(t.Context()),
		"GetBearerToken": (&tokenClient{endpoint: s.cloud.APIURL, auth: auth}).organizations(t.Context()),
	} {
		if !errors.Is(err, authtrip.ErrCircuitOpen) {
			t.Errorf("%s: got %v, want ErrCircuitOpen", name, err)
		}
	}
	if after := s.cloud.Counts(); after.Accepted+after.Rejected != before.Accepted+before.Rejected {
		t.Error("a request left without a token")
	}
}
