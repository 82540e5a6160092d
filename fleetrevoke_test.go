package authtrip_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/nhn"
)

// B slept through two revocations: one token call mends it.
func TestI08_AReissuedTokenOfLongAgoMayBeDeadToo(t *testing.T) {
	inFleet(t, 2, func(t *testing.T, f *fleet) {
		one, two := f.all[0], f.all[1]
		one.mustGet()
		two.mustGet()
		f.srv.RevokeAll()
		one.mustGet() // reissued
		settle(2 * time.Hour)
		one.mustGet()
		f.srv.RevokeAll()
		rejected := 0
		for range 10 {
			if status, _ := two.get(); status == 401 {
				rejected++
			}
			settle(50 * time.Millisecond)
		}
		if rejected > 1 {
			t.Errorf("%d requests got the 401 though the server issues tokens", rejected)
		}
	})
}

// What a flight left behind does not bring a revoked token back.
func TestARevokedTokenIsNotSavedAfterwards(t *testing.T) {
	inFleet(t, 1, func(t *testing.T, f *fleet) {
		f.store.breakDown(func(op string) error {
			if op == "save" {
				time.Sleep(100 * time.Millisecond)
			}
			return nil
		})
		src := f.all[0].src
		if _, err := src.Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := src.Revoke(t.Context()); err != nil {
			t.Fatal(err)
		}
		settle(5 * time.Second)
		if key, _, _ := f.store.only(t, "token/"); key != "" {
			t.Error("the Store has the revoked token")
		}
	})
}

// Who revokes a token again, after an error, does not revoke another's new one.
func TestRevokingAgainEndsTheSameToken(t *testing.T) {
	inFleet(t, 0, func(t *testing.T, f *fleet) {
		var fail atomic.Bool
		base := f.srv.Transport().Clone()
		base.DisableKeepAlives = true
		one := f.join(authtrip.WithTokenTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if fail.Load() && strings.HasSuffix(r.URL.Path, "/revoke") {
				return nil, errors.New("reset")
			}
			return base.RoundTrip(r)
		})))
		one.mustGet()
		fail.Store(true)
		if err := one.src.Revoke(t.Context()); err == nil {
			t.Fatal("no error")
		}
		synctest.Wait()
		three := f.join()
		three.mustGet() // a token of its own
		synctest.Wait()
		calls := f.srv.Counts().TokenCalls
		fail.Store(false)
		if err := one.src.Revoke(t.Context()); err != nil {
			t.Fatal(err)
		}
		three.mustGet()
		f.wantTokenCalls(calls) // else its token was revoked
	})
}

// A token is kept under the credentials that it was asked for with.
func TestATokenIsSavedUnderItsOwnCredentials(t *testing.T) {
	inFleet(t, 0, func(t *testing.T, f *fleet) {
		good := f.srv.Credentials()
		old := authtrip.NewSecret("mistaken-secret-0123456789")
		var asked atomic.Int64
		reg := nhn.Registration(good, f.srv.Options()...)
		reg.ClientID, reg.ClientSecret = "", authtrip.Secret{}
		reg.Credentials = func(context.Context) (string, authtrip.Secret, error) {
			if asked.Add(1) == 1 {
				return good.UserAccessKeyID, old, nil
			}
			return good.UserAccessKeyID, good.SecretAccessKey, nil
		}
		token := f.srv.Transport().Clone()
		token.DisableKeepAlives = true
		m, err := authtrip.NewManager([]authtrip.Registration{reg}, authtrip.WithPlaintextStore(f.store), authtrip.WithTokenTransport(token))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = m.Close() })
		client := &http.Client{Transport: &authtrip.Transport{Source: m, Base: f.srv.Transport()}}
		get := func(ctx context.Context) {
			req, _ := http.NewRequestWithContext(ctx, "GET", f.srv.APIURL+"/v1/organizations", nil)
			res, err := client.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			_ = res.Body.Close()
		}
		// While the first flight looks into the Store, another scope's finds the secret refused, and learns the new one.
		f.store.breakDown(once("load", 1, func() { get(authtrip.WithScopes(t.Context(), "other")) }))
		get(t.Context())
		f.store.breakDown(nil)
		synctest.Wait()
		calls := f.srv.Counts().TokenCalls
		f.join().mustGet() // has the new secret only
		f.wantTokenCalls(calls)
	})
}

// Revoke takes the token out of the Store, Invalidate leaves it to the others.
func TestWhoRevokesATokenTakesItFromTheStore(t *testing.T) {
	inFleet(t, 2, func(t *testing.T, f *fleet) {
		one, two := f.all[0], f.all[1]
		one.mustGet()
		two.mustGet()
		if err := one.src.Revoke(t.Context()); err != nil {
			t.Fatal(err)
		}
		if key, _, _ := f.store.only(t, "token/"); key != "" {
			t.Fatal("the Store has the revoked token")
		}
		if f.srv.Counts().Revocations != 1 {
			t.Fatal("the server was not told")
		}
		f.mustGetAll()
		f.wantTokenCalls(2)

		// Who has none revokes the one in the Store.
		three := f.join()
		if err := three.src.Revoke(t.Context()); err != nil {
			t.Fatal(err)
		}
		if key, _, _ := f.store.only(t, "token/"); key != "" || f.srv.Counts().Revocations != 2 {
			t.Fatalf("the Store has the revoked token, or the server was told %d times", f.srv.Counts().Revocations)
		}
		f.mustGetAll()
		f.wantTokenCalls(3)
	})
}

func TestAnInvalidatedTokenIsNotHadFromTheStore(t *testing.T) {
	inFleet(t, 2, func(t *testing.T, f *fleet) {
		one, two := f.all[0], f.all[1]
		one.mustGet()
		two.mustGet()
		tok, err := one.src.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		settle(time.Millisecond) // records know the time by that
		one.src.Invalidate(tok)
		again, err := one.src.Token(t.Context())
		if err != nil || again.AccessToken() == tok.AccessToken() {
			t.Fatalf("the same token, or %v", err)
		}
		two.mustGet() // with its own, which is good
		f.wantTokenCalls(2)
		f.srv.Break(authtest.Fault{Status: 500})
		one.src.Invalidate(again)
		if _, err := one.src.Token(t.Context()); err == nil {
			t.Fatal("a token that was dropped is in use again")
		}
	})
}

// Nor is one that was invalidated before, and is in the Store still.
func TestAnOlderTokenThanTheInvalidatedIsNotHadFromTheStore(t *testing.T) {
	inFleet(t, 1, func(t *testing.T, f *fleet) {
		m := f.all[0]
		m.mustGet()
		synctest.Wait()
		first, err := m.src.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		f.store.breakDown(func(op string) error { return map[string]error{"save": errors.New("full")}[op] })
		m.src.Invalidate(first)
		settle(time.Second)
		second, err := m.src.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		m.src.Invalidate(second)
		third, err := m.src.Token(t.Context())
		if err != nil || third.AccessToken() == first.AccessToken() {
			t.Fatalf("the first token again, or %v", err)
		}
	})
}

func TestWhoSharesTokensDoesNotRevokeThemOnClose(t *testing.T) {
	_, err := authtrip.NewSource(registration(), authtrip.WithPlaintextStore(newSpyStore()), authtrip.Policy{RevokeOnClose: true})
	wantAll(t, err, "RevokeOnClose", "others", "Source.Revoke")
}

// Who revokes again, after it worked, ends the token that there is now.
func TestRevokingAgainEndsTheTokenInTheStore(t *testing.T) {
	inFleet(t, 2, func(t *testing.T, f *fleet) {
		one, two := f.all[0], f.all[1]
		one.mustGet()
		two.mustGet()
		for range 2 {
			if err := one.src.Revoke(t.Context()); err != nil {
				t.Fatal(err)
			}
			settle(2 * time.Minute)
			calls := f.srv.Counts().TokenCalls
			two.mustGet() // rejected, reissued
			f.wantTokenCalls(calls + 1)
			settle(2 * time.Minute)
		}
	})
}

// A token that was only in the Store is not forgotten when the server cannot be
// told its end.
func TestRevokingTheStoresTokenAgainAfterAnErrorTellsTheServer(t *testing.T) {
	inFleet(t, 1, func(t *testing.T, f *fleet) {
		f.all[0].mustGet()
		synctest.Wait()
		base := f.srv.Transport().Clone()
		base.DisableKeepAlives = true
		var fail atomic.Bool
		late := f.join(authtrip.WithTokenTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if fail.Load() {
				return nil, errors.New("reset")
			}
			return base.RoundTrip(r)
		})))
		fail.Store(true)
		if err := late.src.Revoke(t.Context()); err == nil {
			t.Fatal("no error")
		}
		fail.Store(false)
		if err := late.src.Revoke(t.Context()); err != nil || f.srv.Counts().Revocations != 1 {
			t.Fatalf("%v; the server was told %d times, want once", err, f.srv.Counts().Revocations)
		}
	})
}
