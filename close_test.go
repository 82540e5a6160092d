package authtrip_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
)

func TestRevokeOnCloseEndsTheClientsTokensOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		client := registration()
		client.RevocationEndpoint.URL = "https://auth.example/revoke"
		without := registration()
		without.ID = "without"
		issued := 0
		m := s.managerOf(t, []authtrip.Registration{user(), client, without}, authtrip.Policy{RevokeOnClose: true},
			authtrip.WithTokenTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
				if body, err := r.GetBody(); err == nil {
					b := make([]byte, 100)
					n, _ := body.Read(b)
					if strings.Contains(string(b[:n]), "client_credentials") {
						issued++
						return jsonReply(r, 200, map[string]any{"access_token": fmt.Sprint("client-", issued)}), nil
					}
				}
				return s.RoundTrip(r)
			})))
		s.login(t, of(t, m, "ann"), "ann")
		for _, ctx := range []context.Context{
			authtrip.WithRegistration(t.Context(), "test"),
			authtrip.WithScopes(authtrip.WithRegistration(t.Context(), "test"), "admin"),
			authtrip.WithRegistration(t.Context(), "without"),
		} {
			if _, err := s.whoami(ctx, m); err != nil {
				t.Fatal(err)
			}
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		if len(s.revoked) != 2 || strings.Contains(strings.Join(s.revoked, " "), "client-3") {
			t.Fatalf("revoked %v, want the two that can be", s.revoked)
		}
		if s.live("ann") == "" {
			t.Fatal("ann was logged out")
		}
		if err := m.Close(); err != nil || len(s.revoked) != 2 {
			t.Fatal("closed twice")
		}
	})
}

func TestWhatRevokeOnCloseCouldNotEndIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := registration()
		r.RevocationEndpoint.URL = "https://auth.example/revoke"
		src := newSource(t, r, authtrip.Policy{RevokeOnClose: true}, authtrip.WithTokenTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "revoke") {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			return jsonReply(r, 200, map[string]any{"access_token": "a"}), nil
		})))
		if _, err := src.Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		wantAll(t, src.Close(), `"test"`, "https://auth.example", "no answer in time")
		if took := time.Since(start); took != 10*time.Second {
			t.Fatalf("Close took %v", took)
		}
	})
}
