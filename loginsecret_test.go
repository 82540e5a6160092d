package authtrip_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/prism"
)

func TestI14_WhatUsersGrantedPrintsNowhere(t *testing.T) {
	s := newServer()
	store := authtrip.NewMemoryStore(0)
	m := s.manager(t, authtrip.WithPlaintextStore(store))
	src := of(t, m, "ann")
	s.login(t, src, "ann")
	flow, q := begin(t, src)
	client := prism.Client{ServiceAPIDomain: "https://service.example", ClientID: "id", ClientSecret: authtrip.NewSecret("CANARY")}
	type hidden struct {
		src   *authtrip.Source
		m     *authtrip.Manager
		store authtrip.Store
		flow  authtrip.Flow
	}
	reg := prism.Registration(client)
	for name, v := range map[string]any{
		"Source": src, "Manager": m, "Store": store, "prism.Client": client, "*prism.Client": &client, "Registration": reg,
		"Transport": &authtrip.Transport{Source: src}, "hidden": hidden{src, m, store, authtrip.Flow{}}, "*hidden": &hidden{src, m, store, flow},
	} {
		for how, text := range everyPrint(v) {
			if strings.Contains(text, "CANARY") || strings.Contains(text, "ann") && name == "Store" || strings.Contains(text, q.Get("state")) {
				t.Fatalf("%s by %s shows a secret: %.300q", name, how, text)
			}
		}
	}
	for how, text := range everyPrint(flow) {
		if how != "json" && strings.Contains(text, q.Get("state")) {
			t.Fatalf("a Flow by %s shows its state: %.300q", how, text)
		}
	}
}

// All that a hostile server, proxy or Store knows comes back in an error.
func TestI14_NoErrorShowsACodeOrARefreshToken(t *testing.T) {
	echo := func(r *http.Request) string {
		_ = r.ParseForm()
		return fmt.Sprint(r.URL.String(), " ", r.Header, " ", r.Form, " ", r.URL.Query())
	}
	for name, answer := range map[string]func(*http.Request) (*http.Response, error){
		"transport error": func(r *http.Request) (*http.Response, error) {
			return nil, &url.Error{Op: "Get", URL: r.URL.String(), Err: errors.New(echo(r))}
		},
		"description": func(r *http.Request) (*http.Response, error) {
			return jsonReply(r, 400, map[string]any{"error": "invalid_request", "error_description": echo(r)}), nil
		},
		"invalid_grant": func(r *http.Request) (*http.Response, error) {
			return jsonReply(r, 400, map[string]any{"error": "invalid_grant", "error_description": echo(r)}), nil
		},
		"token_type": func(r *http.Request) (*http.Response, error) {
			return jsonReply(r, 200, map[string]any{"access_token": "CANARY", "token_type": "CANARY", "refresh_token": "refresh-9-CANARY"}), nil
		},
		"panic": func(r *http.Request) (*http.Response, error) { panic(echo(r)) },
	} {
		for _, endpoint := range []string{http.MethodGet, http.MethodPost} {
			t.Run(name+"/"+endpoint, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newServer()
					hostile := false
					m := s.managerOf(t, []authtrip.Registration{user(func(r *authtrip.Registration) {
						r.TokenEndpoint.Method = endpoint
						r.RevocationEndpoint.Method = endpoint
						r.ClientSecret = authtrip.NewSecret("secret-CANARY/+")
						r.ClientAuth, r.ClientIDHeader, r.ClientSecretHeader = authtrip.ClientSecretHeaders, "x-prism-client-id", "x-prism-client-secret"
					})}, authtrip.WithTokenTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
						if hostile {
							return answer(r)
						}
						return s.RoundTrip(r)
					})))
					src := of(t, m, "ann")
					check := func(what string, err error) {
						t.Helper()
						if err == nil {
							t.Fatalf("%s: no error", what)
						}
						for e := err; e != nil; e = errors.Unwrap(e) {
							for how, text := range everyPrint(e) {
								if strings.Contains(text, "CANARY") {
									t.Fatalf("%s by %s shows a secret: %q", what, how, text)
								}
							}
						}
						b, _ := json.Marshal(err)
						if strings.Contains(string(b), "CANARY") {
							t.Fatalf("%s: %s", what, b)
						}
					}
					s.login(t, src, "ann")
					hostile = true
					check("exchange", src.ExchangeCode(t.Context(), "code-7-CANARY", url.Values{"code_verifier": {"verifier-CANARY"}}))
					flow, q := begin(t, src)
					check("flow", src.Exchange(t.Context(), flow, url.Values{"state": q["state"], "code": {"code-8-CANARY"}}))
					settle(time.Hour)
					_, err := s.whoami(t.Context(), src)
					check("refresh", err)
					if name != "token_type" { // the server took that refresh token for good
						if err := src.Revoke(t.Context()); name != "invalid_grant" || err != nil {
							check("revoke", err)
						}
					}
				})
			})
		}
	}
}
