package interop_test

import (
	"testing"

	"github.com/authtrip/authtrip"
)

func TestRefreshTokensRotateAndNoneIsLost(t *testing.T) {
	const rounds, callers = 20, 50
	for name, client := range map[string]oauthClient{"a client with a secret": basic, "a public client": public} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			store := newRecordingStore()
			ada := w.source(w.manager(client.users(w), authtrip.WithPlaintextStore(store)), client.id, "1001")
			w.login(ada, "ada")

			for i := range rounds {
				newest, _ := w.newestRefresh()
				if i%2 == 0 {
					w.auth.revokeAccess()
				} else {
					w.auth.expireAccess()
				}
				w.mustGetAtOnce(callers, ada, "ada")

				w.wantTokenCalls("refresh_token", i+1)
				if sent := w.auth.tokenCalls("refresh_token")[i].form.Get("refresh_token"); sent != newest {
					t.Fatalf("in round %d another refresh token was sent than the newest", i)
				}
			}

			store.wantOnly(t, w)
			w.wantNoReuse()
		})
	}
}

// wantNoReuse expects that no refresh token was sent twice, and none refused.
func (w *world) wantNoReuse() {
	w.t.Helper()
	sent := map[string]bool{}
	for _, call := range w.auth.tokenCalls("refresh_token") {
		token := call.form.Get("refresh_token")
		if sent[token] {
			w.t.Error("a refresh token was sent twice")
		}
		if call.refused != "" {
			w.t.Errorf("a refresh was refused: %s", call.refused)
		}
		sent[token] = true
	}
}

// newestRefresh is the refresh token that the server issued last; old are those
// before it.
func (w *world) newestRefresh() (newest string, old []string) {
	w.t.Helper()
	for _, call := range w.auth.tokenCalls("") {
		if call.refresh != "" {
			old = append(old, call.refresh)
		}
	}
	if len(old) == 0 {
		w.t.Fatal("the server issued no refresh token")
	}
	return old[len(old)-1], old[:len(old)-1]
}
