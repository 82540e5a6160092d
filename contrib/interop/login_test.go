package interop_test

import (
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/authtrip/authtrip"
)

func TestTwoUsersLogInAndEachIsWhoTheyAre(t *testing.T) {
	for name, client := range map[string]oauthClient{
		"a client with a secret, in Basic":    odd,
		"a client with a secret, in the body": post,
		"a public client":                     public,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			m := w.manager(client.users(w))
			ada, bob := w.source(m, client.id, "1001"), w.source(m, client.id, "1002")

			if got := w.get(ada); !errors.Is(got.err, authtrip.ErrAuthorizationRequired) {
				t.Fatalf("before her login the caller got %+v", got)
			}
			w.wantTokenCalls("", 0)
			w.login(ada, "ada")
			w.login(bob, "bob")

			w.mustGet(ada, "ada")
			w.mustGet(bob, "bob")
			byContext := authtrip.WithPrincipal(t.Context(), "1002")
			if got := w.getWithin(byContext, m); got != (answer{200, "bob", nil}) {
				t.Fatalf("by context the caller got %+v, want 200 and bob", got)
			}
			w.wantTokenCalls("", 2)
			for _, call := range w.auth.tokenCalls("authorization_code") {
				if call.form.Get("code_verifier") == "" {
					t.Error("a code was redeemed without a proof key")
				}
			}
		})
	}
}

func TestAFlowSurvivesTheSessionThatItIsKeptIn(t *testing.T) {
	w := newWorld(t)
	ada := w.source(w.manager(basic.users(w)), basic.id, "1001")
	flow, callback := w.begin(ada, "ada")

	kept, err := json.Marshal(map[string]authtrip.Flow{"flow": flow})
	if err != nil {
		t.Fatal(err)
	}
	var session map[string]authtrip.Flow
	if err := json.Unmarshal(kept, &session); err != nil {
		t.Fatal(err)
	}

	if err := w.noting(ada.Exchange(t.Context(), session["flow"], callback)); err != nil {
		t.Fatal(err)
	}
	w.mustGet(ada, "ada")
}

func TestACallbackWithAnothersStateIsRefusedWithoutACall(t *testing.T) {
	w := newWorld(t)
	m := w.manager(basic.users(w))
	ada, bob := w.source(m, basic.id, "1001"), w.source(m, basic.id, "1002")
	adas, _ := w.begin(ada, "ada")
	_, bobs := w.begin(bob, "bob")

	err := w.noting(ada.Exchange(t.Context(), adas, bobs))
	if err == nil || !strings.Contains(err.Error(), "state") {
		t.Fatalf("Exchange with another's callback: %v", err)
	}
	w.wantTokenCalls("", 0)
}

func TestAFlowIsGoodForOneExchange(t *testing.T) {
	w := newWorld(t)
	ada := w.source(w.manager(basic.users(w)), basic.id, "1001")
	flow, callback := w.begin(ada, "ada")
	if err := w.noting(ada.Exchange(t.Context(), flow, callback)); err != nil {
		t.Fatal(err)
	}

	if err := w.noting(ada.Exchange(t.Context(), flow, callback)); err == nil {
		t.Fatal("the second Exchange succeeded")
	}
	w.wantTokenCalls("", 1)
	w.mustGet(ada, "ada")
}

func TestAUserWhoDeniesIsTheServersOwnError(t *testing.T) {
	w := newWorld(t)
	ada := w.source(w.manager(basic.users(w)), basic.id, "1001")
	flow, callback := w.begin(ada, "")

	err := w.noting(ada.Exchange(t.Context(), flow, callback))
	if said, ok := errors.AsType[*authtrip.ServerError](err); !ok || said.Code != "access_denied" {
		t.Fatalf("Exchange: %v, want access_denied", err)
	}
	w.wantTokenCalls("", 0)
}

func TestAWrongVerifierIsRefusedByTheServer(t *testing.T) {
	for name, client := range map[string]oauthClient{"a client with a secret": basic, "a public client": public} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			ada := w.source(w.manager(client.users(w)), client.id, "1001")
			_, callback := w.begin(ada, "ada")

			wrong := url.Values{"code_verifier": {strings.Repeat("wrong-verifier-", 4)}}
			err := w.noting(ada.ExchangeCode(t.Context(), callback.Get("code"), wrong))
			if said, ok := errors.AsType[*authtrip.ServerError](err); !ok || said.Code != "invalid_grant" {
				t.Fatalf("ExchangeCode: %v, want invalid_grant", err)
			}
			w.wantTokenCalls("", 1)
			if got := w.get(ada); !errors.Is(got.err, authtrip.ErrAuthorizationRequired) {
				t.Fatalf("then the caller got %+v", got)
			}
		})
	}
}

func TestACodeThatIsSentTwiceEndsWhatCameOfIt(t *testing.T) {
	w := newWorld(t)
	m := w.manager(basic.users(w))
	ada, thief := w.source(m, basic.id, "1001"), w.source(m, basic.id, "1002")
	w.login(ada, "ada")
	w.mustGet(ada, "ada")
	first := w.auth.tokenCalls("authorization_code")[0]

	// RFC 6749 §4.1.2: the server then ends what it issued for the code.
	err := w.noting(thief.ExchangeCode(t.Context(), first.form.Get("code"), url.Values{"code_verifier": first.form["code_verifier"]}))
	if said, ok := errors.AsType[*authtrip.ServerError](err); !ok || said.Code != "invalid_grant" {
		t.Fatalf("the second time: %v, want invalid_grant", err)
	}

	w.wantLoginEnded(ada)
	if got := w.get(thief); !errors.Is(got.err, authtrip.ErrAuthorizationRequired) {
		t.Fatalf("who sent it the second time got %+v", got)
	}
}
