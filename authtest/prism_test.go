package authtest_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/prism"
)

func TestAPRISMEmulatorShowsNoSecret(t *testing.T) {
	s := authtest.NewPRISM(authtest.InMemory())
	defer s.Close()
	code := s.Code("user")
	_, login := redeem(t, s, codeParams(code))
	ask(t, s, login["access_token"])
	shown := fmt.Sprint(s, s.Requests(), s.Counts())
	for _, secret := range []string{code, s.Client().ClientSecret.Reveal(), fmt.Sprint(login["access_token"])} {
		if strings.Contains(shown, secret) {
			t.Errorf("a secret is in %s", shown)
		}
	}
	if got := s.Requests(); len(got) != 2 || got[0].Server != "auth" || got[1].Server != "api" {
		t.Errorf("%+v", got)
	}
}

// prismSource is a user's Source at s.
func prismSource(t *testing.T, s *authtest.PRISM, user string, options ...prism.Option) *authtrip.Source {
	t.Helper()
	mgr, err := authtrip.NewManager([]authtrip.Registration{prism.Registration(s.Client(), options...)}, s.Options()...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mgr.Close() })
	src, err := mgr.SourceFor("prism", user)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func TestARejectionInThePRISMEnvelopeIsReissued(t *testing.T) {
	s := authtest.NewPRISM(authtest.TLS())
	defer s.Close()
	s.SetRotation(true)
	s.SetRejectedCode(4010)
	src := prismSource(t, s, "user-42", prism.Rejected("4010"))
	if err := src.ExchangeCode(t.Context(), s.Code("user-42"), nil); err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &authtrip.Transport{Source: src, Base: s.Transport()}}
	for range 3 {
		res, err := client.Get(s.URL + "/prism/v1/service/user")
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if !strings.Contains(string(body), `"userId":"user-42"`) {
			t.Errorf("%s", body)
		}
		s.RevokeAll()
	}
	if c := s.Counts(); c.Rejected != 2 || c.RefreshCalls != 2 || c.RefreshTokensReused != 0 {
		t.Errorf("%+v", c)
	}
	s.EndLogins()
	res, err := client.Get(s.URL + "/prism/v1/service/user")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if !strings.Contains(string(body), `"errorCode":4010`) {
		t.Errorf("%s, want the service's own answer", body)
	}
	tok, _ := src.Token(t.Context())
	src.Invalidate(tok)
	if _, err := src.Token(t.Context()); !errors.Is(err, authtrip.ErrAuthorizationRequired) {
		t.Errorf("%v, want ErrAuthorizationRequired", err)
	}
}
