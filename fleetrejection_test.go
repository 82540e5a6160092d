package authtrip_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/nhn"
)

// While no other token can be had, a rejected one is not taken from anybody, and
// who comes anew knows that it was rejected.
func TestI06_ATombstoneAsksForAnotherTokenAndTakesNoneAway(t *testing.T) {
	inFleet(t, 2, func(t *testing.T, f *fleet) {
		one, two := f.all[0], f.all[1]
		one.mustGet()
		two.mustGet()
		f.srv.RevokeAll()
		f.srv.Break(authtest.Fault{Status: 500})
		if status, err := one.get(); status != 401 || err != nil {
			t.Fatalf("status %d, %v; want the 401 that there was", status, err)
		}
		synctest.Wait()
		if _, value, _ := f.store.only(t, "token/"); !strings.Contains(value, `"rejected":true`) {
			t.Fatalf("the Store has %s, want it marked as rejected", value)
		}
		calls := f.srv.Counts().TokenCalls
		settle(time.Minute)
		three := f.join()
		if status, err := three.get(); status != 401 || err != nil {
			t.Fatalf("status %d, %v; want it sent all the same", status, err)
		}
		if f.srv.Counts().TokenCalls == calls {
			t.Fatal("who came anew asked for no other token")
		}
		f.srv.Heal()
		settle(time.Minute)
		four, rejected := f.join(), f.srv.Counts().Rejected
		four.mustGet()
		if f.srv.Counts().Rejected != rejected {
			t.Fatal("a token that is known to be rejected was sent while another could be had")
		}
		calls = f.srv.Counts().TokenCalls
		for _, m := range []*member{one, two, three} {
			m.mustGet()
		}
		f.wantTokenCalls(calls)
	})
}

// A token that another process got before anybody was rejected may be as dead as
// the rejected one. It costs one request, and no pause.
func TestI10_ADeadTokenFromTheStoreBeginsNoPause(t *testing.T) {
	inFleet(t, 2, func(t *testing.T, f *fleet) {
		f.srv.SetLifetime(time.Hour)
		one, two := f.all[0], f.all[1]
		one.mustGet()
		two.mustGet()
		settle(45 * time.Minute)
		one.mustGet() // and renews behind it
		settle(time.Second)
		f.wantTokenCalls(2)
		f.srv.RevokeAll()
		if status, err := two.get(); status != 401 || err != nil {
			t.Fatalf("status %d, %v; want the 401 of the token from the Store", status, err)
		}
		two.mustGet()
		f.wantTokenCalls(3)
		one.mustGet()
		f.wantTokenCalls(3)
	})
}

// A server that says when to come back is left alone by the whole fleet.
func TestALeaseIsKeptForAsLongAsTheServerAskedFor(t *testing.T) {
	inFleet(t, 1, func(t *testing.T, f *fleet) {
		f.srv.Break(authtest.Fault{Status: 429, RetryAfter: "60"})
		if _, err := f.all[0].get(); err == nil {
			t.Fatal("no error")
		}
		synctest.Wait()
		if key, _, _ := f.store.only(t, "lease/"); key == "" {
			t.Fatal("the lease was given back")
		}
		settle(61 * time.Second)
		if key, _, _ := f.store.only(t, "lease/"); key != "" {
			t.Fatal("the lease is kept for longer than the server asked for")
		}
	})
}

// 20 processes that are rejected whatever they send make about as many token
// calls as one does.
func TestI10_AFleetThatIsAlwaysRejectedMakesNoStorm(t *testing.T) {
	inFleet(t, 20, func(t *testing.T, f *fleet) {
		for _, m := range f.all {
			m.url = f.srv.APIURL + "/always-401"
		}
		for range 600 {
			for _, m := range f.all {
				if status, err := m.get(); status != 401 || err != nil {
					t.Fatalf("status %d, %v; want 401", status, err)
				}
			}
			settle(time.Second)
		}
		if got := f.srv.Counts().TokenCalls; got > 60 {
			t.Errorf("%d token calls in 10 minutes", got)
		}
		if loads := f.store.count("load"); loads > 20*60 {
			t.Errorf("%d reads of the Store in 10 minutes", loads)
		}
	})
}

// Whoever gets the lease looks again: who had it may have just saved.
func TestWhoGetsTheLeaseLooksAgain(t *testing.T) {
	inFleet(t, 1, func(t *testing.T, f *fleet) {
		f.all[0].mustGet()
		synctest.Wait()
		key, value, version := f.store.only(t, "token/")
		if err := f.store.Store.Delete(t.Context(), key, version); err != nil {
			t.Fatal(err)
		}
		f.store.breakDown(once("save", 1, func() {
			if _, err := f.store.Store.Save(t.Context(), key, []byte(value), "", 0); err != nil {
				t.Error(err)
			}
		}))
		f.join().mustGet()
		f.wantTokenCalls(1)
	})
}

// New credentials are another token: one process finds it out, one asks for it.
func TestAFleetWithNewCredentialsSharesANewToken(t *testing.T) {
	inFleet(t, 0, func(t *testing.T, f *fleet) {
		good := f.srv.Credentials()
		secret := authtrip.NewSecret("mistaken-secret-0123456789")
		for range 5 {
			reg := nhn.Registration(good, f.srv.Options()...)
			reg.ClientID, reg.ClientSecret = "", authtrip.Secret{}
			reg.Credentials = func(context.Context) (string, authtrip.Secret, error) {
				return good.UserAccessKeyID, secret, nil
			}
			f.joinAs(reg)
		}
		for _, m := range f.all {
			if _, err := m.get(); err == nil {
				t.Fatal("a wrong secret was accepted")
			}
		}
		refused := f.srv.Counts().TokenCalls
		secret = good.SecretAccessKey
		settle(2 * time.Second)
		f.mustGetAll()
		if got := f.srv.Counts().TokenCalls - refused; got > 1+len(f.all) {
			t.Errorf("%d token calls, want one, and one of each that found its credentials refused", got)
		}
		if _, value, _ := f.store.only(t, "token/"); value == "" {
			t.Error("the Store has no token")
		}
	})
}

func TestARecordThatIsNoTokenIsWrittenOver(t *testing.T) {
	inFleet(t, 1, func(t *testing.T, f *fleet) {
		f.all[0].mustGet()
		synctest.Wait()
		key, ours, version := f.store.only(t, "token/")
		for n, bad := range []string{"", "[]", "{}", `{"form":2}`, strings.Replace(ours, `":"`, `":"\u0000`, 1), ours[:len(ours)/2],
			`{"form":1,"access_token":"x","sent_at":-5}`, `{"form":1,"access_token":"x","sent_at":9223372036854775807}`,
			`{"form":1,"access_token":"x","sent_at":1,"lifetime":9223372036854775807}`, `{"form":1,"access_token":"x y","sent_at":1}`} {
			if _, err := f.store.Store.Save(t.Context(), key, []byte(bad), version, 0); err != nil {
				t.Fatal(err)
			}
			f.join().mustGet()
			synctest.Wait()
			f.wantTokenCalls(2 + n)
			var value string
			if _, value, version = f.store.only(t, "token/"); len(value) < len(ours)-5 {
				t.Fatalf("after %q the Store has %q", bad, value)
			}
		}
	})
}

// Of two tokens that came at once, the newer stays in the Store.
func TestAnOlderTokenDoesNotTakeANewersPlace(t *testing.T) {
	inFleet(t, 2, func(t *testing.T, f *fleet) {
		one, two := f.all[0], f.all[1]
		f.store.breakDown(down) // no lease for anybody
		f.srv.Break(authtest.Fault{Delay: 2 * time.Second, Times: 1})
		done := make(chan struct{})
		go func() {
			defer close(done)
			one.mustGet()
		}()
		settle(1100 * time.Millisecond) // it has begun
		f.store.breakDown(nil)
		two.mustGet()
		synctest.Wait()
		_, newer, _ := f.store.only(t, "token/")
		<-done
		synctest.Wait()
		if _, now, _ := f.store.only(t, "token/"); now != newer || newer == "" {
			t.Error("the older token took the newer's place")
		}
	})
}

func TestACloseGivesTheLeaseBack(t *testing.T) {
	inFleet(t, 2, func(t *testing.T, f *fleet) {
		f.srv.Break(authtest.Fault{Hang: true})
		failed := make(chan error, 1)
		go func() {
			_, err := f.all[0].get()
			failed <- err
		}()
		settle(100 * time.Millisecond)
		if key, _, _ := f.store.only(t, "lease/"); key == "" {
			t.Fatal("nobody has the lease")
		}
		if err := f.all[0].src.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-failed; !errors.Is(err, authtrip.ErrClosed) {
			t.Fatalf("%v, want ErrClosed", err)
		}
		f.srv.Heal()
		start := time.Now()
		f.all[1].mustGet()
		if wait := time.Since(start); wait > 100*time.Millisecond {
			t.Errorf("the next waited %v", wait)
		}
	})
}
