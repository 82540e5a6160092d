package interop_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/ory/fosite"
)

func TestARevokedLoginIsOverHereAndThere(t *testing.T) {
	for name, client := range map[string]oauthClient{
		"a client with a secret, in Basic":    odd,
		"a client with a secret, in the body": post,
		"a public client":                     public,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			store := newRecordingStore()
			m := w.manager(client.users(w), authtrip.WithPlaintextStore(store))
			ada, bob := w.source(m, client.id, "1001"), w.source(m, client.id, "1002")
			w.login(ada, "ada")
			call := w.auth.tokenCalls("")[0]
			w.login(bob, "bob")
			w.wantActive(call, true)

			if err := w.noting(ada.Revoke(t.Context())); err != nil {
				t.Fatal(err)
			}

			w.wantActive(call, false)
			if keys := store.keysOf(call.refresh); keys != nil {
				t.Errorf("the Store has the revoked refresh token under %q", keys)
			}
			if hints := w.auth.revocationHints(); !slices.Equal(hints, []string{"refresh_token", "access_token"}) {
				t.Errorf("the server was told of %q, want the refresh token and the access token", hints)
			}
			if got := w.get(ada); !errors.Is(got.err, authtrip.ErrAuthorizationRequired) {
				t.Fatalf("then the caller got %+v", got)
			}
			w.mustGet(bob, "bob")
			w.wantTokenCalls("", 2)
		})
	}
}

func TestAClientThatRevokesItsTokenGetsAnother(t *testing.T) {
	w := newWorld(t)
	r := odd.machine(w)
	r.RevocationEndpoint = authtrip.Endpoint{URL: w.auth.URL + "/revoke"}
	src := w.source(w.manager(r), odd.id, "")
	w.mustGet(src, odd.id)

	if err := w.noting(src.Revoke(t.Context())); err != nil {
		t.Fatal(err)
	}
	w.wantActive(w.auth.tokenCalls("")[0], false)
	w.mustGet(src, odd.id)
	w.wantTokenCalls("", 2)
}

func TestAManagerThatClosesRevokesTheClientsToken(t *testing.T) {
	w := newWorld(t)
	r := basic.machine(w)
	r.RevocationEndpoint = authtrip.Endpoint{URL: w.auth.URL + "/revoke"}
	m := w.manager(r, authtrip.Policy{RevokeOnClose: true})
	w.mustGet(w.source(m, basic.id, ""), basic.id)

	if err := w.noting(m.Close()); err != nil {
		t.Fatal(err)
	}
	w.wantActive(w.auth.tokenCalls("")[0], false)
}

// wantActive expects that the server takes the tokens of a call for active, or
// not.
func (w *world) wantActive(call tokenCall, want bool) {
	w.t.Helper()
	for use, token := range map[fosite.TokenUse]string{fosite.AccessToken: call.access, fosite.RefreshToken: call.refresh} {
		if _, active := w.auth.introspect(token, use); token != "" && active != want {
			w.t.Errorf("the server takes the %s for active: %t, want %t", use, active, want)
		}
	}
}
