package authtrip_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
)

// A process that dies takes its lease along. After a while one of those who wait
// takes its place.
func TestADeadLeaseMakesNoHerd(t *testing.T) {
	inFleet(t, 200, func(t *testing.T, f *fleet) {
		f.mustGetAll()
		synctest.Wait()
		key, _, _ := f.store.only(t, "token/")
		f.srv.RevokeAll()
		f.srv.Break(authtest.Fault{Delay: 100 * time.Millisecond})
		if _, err := f.store.Store.Save(t.Context(), "lease/"+key[len("token/"):], []byte("dead"), "", 12*time.Second); err != nil {
			t.Fatal(err)
		}
		if longest := f.mustGetAll(); longest > 5*time.Second {
			t.Errorf("a request waited %v", longest)
		}
		if got := f.srv.Counts().TokenCalls - 1; got > 5 {
			t.Errorf("%d token calls by 200 processes at once", got)
		}
	})
}

// A lease that never ends, as of a Store that lost its lifetime.
func TestALeaseThatNeverEndsIsTakenOver(t *testing.T) {
	inFleet(t, 5, func(t *testing.T, f *fleet) {
		f.srv.SetLifetime(10 * time.Minute)
		f.mustGetAll()
		synctest.Wait()
		key, _, _ := f.store.only(t, "token/")
		if _, err := f.store.Store.Save(t.Context(), "lease/"+key[len("token/"):], []byte("dead"), "", 0); err != nil {
			t.Fatal(err)
		}
		calls, waits := f.srv.Counts().TokenCalls, 0
		for range 360 {
			if f.mustGetAll() > 100*time.Millisecond {
				waits++
			}
			settle(10 * time.Second)
		}
		if got := f.srv.Counts().TokenCalls - calls; got > 12 || waits > 1 {
			t.Errorf("%d token calls, requests waited %d times", got, waits)
		}
	})
}

// The lease's Save comes through, and its answer is lost.
func TestALostAnswerDoesNotStopTheFleet(t *testing.T) {
	inFleet(t, 10, func(t *testing.T, f *fleet) {
		f.srv.Break(authtest.Fault{Delay: 200 * time.Millisecond})
		f.store.loseAnswers(1)
		wait := f.mustGetAll()
		if wait > 2*time.Second {
			t.Errorf("one lost answer made requests wait %v, and %d token calls", wait, f.srv.Counts().TokenCalls)
		}
	})
}

// The lease is kept for as long as a 429 asked for. Who has a good token does not ask
// for it each second.
func TestALeaseThatIsHeldForAnHourIsAskedForRarely(t *testing.T) {
	inFleet(t, 10, func(t *testing.T, f *fleet) {
		f.srv.SetLifetime(4 * time.Hour)
		f.mustGetAll()
		settle(2*time.Hour + 40*time.Minute)
		f.srv.Break(authtest.Fault{Status: 429, RetryAfter: "3600"})
		before := f.store.total()
		for range 3600 {
			for _, m := range f.all {
				m.mustGet()
			}
			settle(time.Second)
		}
		n := f.store.total() - before
		if n > 10*2*120 {
			t.Errorf("the Store was asked %d times in an hour by 10 processes that have a good token", n)
		}
	})
}

// A server that said 429 to one process is left alone by all.
func TestA429IsHeededByTheFleet(t *testing.T) {
	inFleet(t, 20, func(t *testing.T, f *fleet) {
		f.srv.Break(authtest.Fault{Status: 429, RetryAfter: "3600"})
		for range 60 {
			for _, m := range f.all {
				go func() { _, _ = m.get() }()
			}
			settle(10 * time.Second)
		}
		if got := f.srv.Counts().TokenCalls; got > 2 {
			t.Errorf("%d token calls in spite of Retry-After", got)
		}
	})
}

// A 429 is remembered beside a rejected token from the Store.
func TestI03_A429IsRememberedBesideARejectedToken(t *testing.T) {
	inFleet(t, 1, func(t *testing.T, f *fleet) {
		one := f.all[0]
		one.mustGet()
		f.srv.RevokeAll()
		f.srv.Break(authtest.Fault{Status: 429, RetryAfter: "3600"})
		_, _ = one.get()
		settle(time.Hour + time.Minute) // the lease is free again
		f.srv.Break(authtest.Fault{Status: 429, RetryAfter: "3600"})
		calls := f.srv.Counts().TokenCalls
		three := f.join()
		for range 10 {
			_, _ = three.get()
			settle(time.Second)
		}
		if got := f.srv.Counts().TokenCalls - calls; got != 1 {
			t.Errorf("%d token calls in spite of Retry-After", got)
		}
	})
}

// A process whose clock or certificate is wrong keeps nobody else from a token.
func TestARefusalOfOneProcessIsNotTheOthers(t *testing.T) {
	inFleet(t, 0, func(t *testing.T, f *fleet) {
		base := f.srv.Transport().Clone()
		base.DisableKeepAlives = true
		refused := f.join(authtrip.WithTokenTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
			_ = r.Body.Close()
			return &http.Response{
				StatusCode: 401, Header: http.Header{}, Request: r,
				Body: io.NopCloser(strings.NewReader(`{"error":"invalid_client"}`)),
			}, nil
		})))
		if _, err := refused.get(); err == nil {
			t.Fatal("no error")
		}
		synctest.Wait()
		start := time.Now()
		f.join().mustGet()
		if wait := time.Since(start); wait > 0 {
			t.Errorf("another process waited %v", wait)
		}
		synctest.Wait()
		settle(2 * time.Second)
		refused.mustGet() // with the other's token
	})
}

// What a lease says that a server said is other people's text.
func TestI14_WhatALeaseSaysIsCutAndCleaned(t *testing.T) {
	inFleet(t, 1, func(t *testing.T, f *fleet) {
		f.all[0].mustGet()
		synctest.Wait()
		key, _, version := f.store.only(t, "token/")
		if err := f.store.Store.Delete(t.Context(), key, version); err != nil {
			t.Fatal(err)
		}
		note := fmt.Sprintf(`{"form":1,"owner":"x","failed":true,"for":86400000,"status":429,"until":%d,"code":"slow\ndown","description":"%s"}`,
			time.Now().Add(24*time.Hour).UnixMilli(), strings.Repeat(`\u001b[2J\n`, 100)+strings.Repeat("x", 10_000))
		if _, err := f.store.Store.Save(t.Context(), "lease/"+key[len("token/"):], []byte(note), "", 2*time.Minute); err != nil {
			t.Fatal(err)
		}
		m := f.join()
		_, err := m.get()
		var said *authtrip.ServerError
		if !errors.As(err, &said) || said.Status != 429 {
			t.Fatalf("%v, want what the server said", err)
		}
		if text := err.Error(); len(text) > 700 || strings.ContainsAny(text, "\x1b\n\r") {
			t.Errorf("%d bytes: %q", len(text), text)
		}
		if wait, ok := authtrip.RetryAfter(err); !ok || wait > time.Hour {
			t.Errorf("to come back after %v, %v; want an hour at most", wait, ok)
		}
		settle(3 * time.Minute) // the lease is gone, whatever it said
		m.mustGet()
	})
}

// A renewal is left to others for a while after one of them failed.
func TestARenewalThatAnotherProcessFailedToMakeIsNotMadeAtOnce(t *testing.T) {
	inFleet(t, 1, func(t *testing.T, f *fleet) {
		f.srv.SetLifetime(time.Hour)
		m := f.all[0]
		m.mustGet()
		settle(45 * time.Minute)
		f.store.mustHoldLease(t, `{"form":1,"owner":"x","failed":true}`)
		m.mustGet()
		synctest.Wait()
		f.wantTokenCalls(1)
	})
}

// A lease of our own is of an earlier flight, which did not hear that it had it.
func TestALeaseThatIsOursAlreadyIsNotWaitedFor(t *testing.T) {
	inFleet(t, 1, func(t *testing.T, f *fleet) {
		f.srv.Break(authtest.Fault{Status: 500, Times: 3})
		f.store.loseAnswers(1)
		if _, err := f.all[0].get(); err == nil {
			t.Fatal("no error")
		}
		settle(2 * time.Second) // the Store was left alone for a second
		start := time.Now()
		f.all[0].mustGet()
		if wait := time.Since(start); wait > 0 {
			t.Errorf("a request waited %v for a lease of its own", wait)
		}
	})
}

// One whose owner said that it would be over is nobody's, though it is there.
func TestALeaseThatIsOverIsTakenOver(t *testing.T) {
	inFleet(t, 1, func(t *testing.T, f *fleet) {
		f.srv.SetLifetime(time.Hour)
		m := f.all[0]
		m.mustGet()
		settle(45 * time.Minute)
		f.store.mustHoldLease(t, fmt.Sprintf(`{"form":1,"owner":"x","until":%d}`, time.Now().Add(-6*time.Second).UnixMilli()))
		m.mustGet()
		synctest.Wait()
		f.wantTokenCalls(2)
	})
}

// Nobody waits for a renewal that another process makes.
func TestARenewalIsLeftToWhoHoldsTheLease(t *testing.T) {
	inFleet(t, 1, func(t *testing.T, f *fleet) {
		f.srv.SetLifetime(time.Hour)
		m := f.all[0]
		m.mustGet()
		settle(45 * time.Minute)
		key, _, _ := f.store.only(t, "token/")
		lease := "lease/" + key[len("token/"):]
		version, err := f.store.Store.Save(t.Context(), lease, []byte("another"), "", time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		loads := f.store.count("load")
		for range 100 {
			m.mustGet()
			settle(100 * time.Millisecond)
		}
		f.wantTokenCalls(1)
		if n := f.store.count("load") - loads; n < 4 || n > 16 {
			t.Errorf("the Store was read %d times in 10 s, want ever more rarely", n)
		}
		if err := f.store.Store.Delete(t.Context(), lease, version); err != nil {
			t.Fatal(err)
		}
		settle(15 * time.Second)
		m.mustGet()
		synctest.Wait()
		f.wantTokenCalls(2)
	})
}
