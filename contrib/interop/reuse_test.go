package interop_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/ory/fosite"
)

func TestAReplayedRefreshTokenEndsTheFamilyAndANewLoginMendsIt(t *testing.T) {
	w := newWorld(t)
	store := newRecordingStore()
	ada := w.source(w.manager(basic.users(w), authtrip.WithPlaintextStore(store)), basic.id, "1001")
	w.login(ada, "ada")
	stolen, _ := w.newestRefresh()
	w.auth.revokeAccess()
	w.mustGet(ada, "ada")

	w.redeemByHand(basic, stolen)
	newest, _ := w.newestRefresh()
	if _, active := w.auth.introspect(newest, fosite.RefreshToken); active {
		t.Fatal("the server did not end the family")
	}

	w.wantLoginEnded(ada)
	if keys := store.keysOf(newest); keys != nil {
		t.Errorf("the Store has the dead refresh token under %q", keys)
	}
	w.login(ada, "ada")
	w.mustGet(ada, "ada")
	w.auth.revokeAccess()
	w.mustGet(ada, "ada")
}

func TestWhoWaitsForATokenOfAnEndedLoginIsToldWhatTheServerSaid(t *testing.T) {
	w := newWorld(t)
	ada := w.source(w.manager(basic.users(w)), basic.id, "1001")
	w.login(ada, "ada")
	stolen, _ := w.newestRefresh()
	w.auth.revokeAccess()
	w.mustGet(ada, "ada")
	w.redeemByHand(basic, stolen)
	w.giveUp(ada)

	err := w.get(ada).err
	said, ok := errors.AsType[*authtrip.ServerError](err)
	if !errors.Is(err, authtrip.ErrAuthorizationRequired) || !ok || said.Code != "invalid_grant" || said.Status != 400 {
		t.Fatalf("the caller got %v, want ErrAuthorizationRequired with invalid_grant", err)
	}
}

// redeemByHand sends a refresh token that was rotated away, as a thief would.
func (w *world) redeemByHand(c oauthClient, refresh string) {
	w.t.Helper()
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}}
	req, err := http.NewRequest(http.MethodPost, w.auth.URL+"/token", strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(c.id), url.QueryEscape(c.secret))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusBadRequest {
		w.t.Fatalf("the server answered %d to a refresh token that was rotated away", res.StatusCode)
	}
}

// giveUp drops the token in use, if there is one.
func (w *world) giveUp(src *authtrip.Source) {
	if tok, err := src.Token(context.Background()); err == nil {
		src.Invalidate(tok)
	}
}

// wantLoginEnded expects that the next request brings it out that tokens are
// dead: it gets the server's 401, and the hook hears why. From then on requests
// are told, and the server is left alone.
func (w *world) wantLoginEnded(src *authtrip.Source) {
	w.t.Helper()
	got, why := w.get(src), w.seen.lastError()
	if said, ok := errors.AsType[*authtrip.ServerError](why); got.status != 401 || !errors.Is(why, authtrip.ErrAuthorizationRequired) || !ok || said.Code != "invalid_grant" {
		w.t.Fatalf("the caller got %+v, because of %v; want 401, and ErrAuthorizationRequired with invalid_grant", got, why)
	}
	calls := len(w.auth.tokenCalls(""))
	if got := w.get(src); !errors.Is(got.err, authtrip.ErrAuthorizationRequired) {
		w.t.Fatalf("then the caller got %+v, want ErrAuthorizationRequired", got)
	}
	w.wantTokenCalls("", calls)
}
