package interop_test

import (
	"errors"
	"testing"

	"github.com/authtrip/authtrip"
)

func TestAClientGetsATokenOfItsOwnAndAnotherWhenItIsRevoked(t *testing.T) {
	for name, client := range map[string]oauthClient{
		"Basic, with what must be encoded": odd,
		"Basic":                            basic,
		"POST body":                        post,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			src := w.source(w.manager(client.machine(w)), client.id, "")

			w.mustGetAtOnce(50, src, client.id)
			w.mustGet(src, client.id)
			w.wantTokenCalls("client_credentials", 1)

			w.auth.revokeAccess()
			w.mustGet(src, client.id)
			w.wantTokenCalls("client_credentials", 2)

			w.auth.expireAccess()
			w.mustGetAtOnce(50, src, client.id)
			w.wantTokenCalls("client_credentials", 3)
		})
	}
}

func TestAWrongSecretIsTheServersOwnError(t *testing.T) {
	for name, client := range map[string]oauthClient{"Basic": basic, "POST body": post} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			r := client.machine(w)
			r.ClientSecret = authtrip.NewSecret("another-secret")
			w.seen.secret("client secret", "another-secret")

			got := w.get(w.source(w.manager(r), client.id, ""))
			said, ok := errors.AsType[*authtrip.ServerError](got.err)
			if !ok || said.Code != "invalid_client" || said.Status != 401 {
				t.Fatalf("the caller got %+v, want invalid_client", got)
			}
		})
	}
}

func TestAScopeThatTheClientMayNotHaveIsTheServersOwnError(t *testing.T) {
	w := newWorld(t)
	r := basic.machine(w)
	r.Scopes = []string{"everything"}

	got := w.get(w.source(w.manager(r), basic.id, ""))
	if said, ok := errors.AsType[*authtrip.ServerError](got.err); !ok || said.Code != "invalid_scope" {
		t.Fatalf("the caller got %+v, want invalid_scope", got)
	}
}
