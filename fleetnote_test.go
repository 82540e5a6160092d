package authtrip_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/nhn"
)

// answer is what a server says to a token call.
func answer(r *http.Request, status int, body string) *http.Response {
	_ = r.Body.Close()
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}
}

// A process that the server refuses, for its address or its clock, keeps nobody
// else from a token.
func TestI18_OneProcessThatIsRefusedFailsNoOther(t *testing.T) {
	for name, reply := range map[string]struct {
		status int
		body   string
	}{"401": {401, `{"error":"invalid_client"}`}, "403": {403, `{"error":"access_denied"}`}, "401 html": {401, "<html>"}, "429": {429, ``}} {
		t.Run(name, func(t *testing.T) {
			inFleet(t, 5, func(t *testing.T, f *fleet) {
				bad := f.joinAs(nhn.Registration(f.srv.Credentials(), f.srv.Options()...), authtrip.WithTokenTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
					time.Sleep(100 * time.Millisecond)
					return answer(r, reply.status, reply.body), nil
				})))
				good := f.all[:5]
				failed := 0
				for range 100 {
					_, _ = bad.get()
					for _, m := range good {
						if status, err := m.get(); status != 200 || err != nil {
							failed++
						}
					}
					settle(100 * time.Millisecond)
				}
				if failed > 0 {
					t.Errorf("%d requests of healthy processes failed", failed)
				}
			})
		})
	}
}

func TestWhoHasTheNewSecretIsNotKeptFromATokenByThoseWhoDoNot(t *testing.T) {
	inFleet(t, 0, func(t *testing.T, f *fleet) {
		f.srv.SetLifetime(10 * time.Minute)
		cred := f.srv.Credentials()
		var replaced atomic.Bool
		inner := f.srv.Transport().Clone()
		inner.DisableKeepAlives = true
		rt := roundTripFunc(func(r *http.Request) (*http.Response, error) {
			_, pw, _ := r.BasicAuth()
			if replaced.Load() && pw == cred.SecretAccessKey.Reveal() {
				time.Sleep(50 * time.Millisecond)
				return answer(r, 401, `{"error":"invalid_client"}`), nil
			}
			r = r.Clone(r.Context())
			r.SetBasicAuth(cred.UserAccessKeyID, cred.SecretAccessKey.Reveal())
			return inner.RoundTrip(r)
		})
		registered := func(isFresh bool) authtrip.Registration {
			r := nhn.Registration(cred, f.srv.Options()...)
			r.ClientID, r.ClientSecret = "", authtrip.Secret{}
			r.Credentials = func(context.Context) (string, authtrip.Secret, error) {
				if isFresh && replaced.Load() {
					return cred.UserAccessKeyID, authtrip.NewSecret("another-secret-that-is-new"), nil
				}
				return cred.UserAccessKeyID, cred.SecretAccessKey, nil
			}
			return r
		}
		for range 19 {
			f.joinAs(registered(false), authtrip.WithTokenTransport(rt))
		}
		b := f.joinAs(registered(true), authtrip.WithTokenTransport(rt))
		f.mustGetAll()
		synctest.Wait()
		replaced.Store(true)
		settle(11 * time.Minute)
		start, failed := time.Now(), 0
		for range 600 {
			var wg sync.WaitGroup
			for _, m := range f.all[:19] {
				wg.Go(func() { _, _ = m.get() })
			}
			status, _ := b.get()
			wg.Wait()
			if status == 200 {
				break
			}
			failed++
			settle(100 * time.Millisecond)
		}
		if failed > 0 {
			t.Errorf("requests failed %d times, for %v", failed, time.Since(start))
		}
	})
}

// mustNote has another process's lease say that a server asked for a second's
// peace, by a clock that is ahead, or behind, and the Store have no token.
func (f *fleet) mustNote(t *testing.T, ahead time.Duration) {
	t.Helper()
	f.mustGetAll()
	synctest.Wait()
	key, _, version := f.store.only(t, "token/")
	if err := f.store.Store.Delete(t.Context(), key, version); err != nil {
		t.Fatal(err)
	}
	f.all = nil
	until := time.Now().Add(ahead + time.Second)
	note := fmt.Sprintf(`{"form":1,"owner":"another","until":%d,"failed":true,"for":1000,"status":429,"code":"slow_down"}`, until.UnixMilli())
	if _, err := f.store.Store.Save(t.Context(), "lease/"+key[len("token/"):], []byte(note), "", time.Second); err != nil {
		t.Fatal(err)
	}
}

func TestWhatALeaseSaysHoldsForAsLongAsItWasToWhateverTheClocksSay(t *testing.T) {
	for _, ahead := range []time.Duration{-time.Hour, -2 * time.Second, 0, 5 * time.Second, 10 * time.Minute, 10 * time.Hour} {
		t.Run(ahead.String(), func(t *testing.T) {
			inFleet(t, 1, func(t *testing.T, f *fleet) {
				f.mustNote(t, ahead)
				calls, m, start := f.srv.Counts().TokenCalls, f.join(), time.Now()
				_, err := m.get()
				var said *authtrip.ServerError
				if !errors.As(err, &said) || said.Status != 429 || f.srv.Counts().TokenCalls != calls {
					t.Fatalf("%v after %d calls, want what the server said to another", err, f.srv.Counts().TokenCalls-calls)
				}
				for _, err := m.get(); err != nil; _, err = m.get() {
					settle(100 * time.Millisecond)
				}
				if wait := time.Since(start); wait > 1500*time.Millisecond {
					t.Errorf("denied for %v by what was to hold for a second", wait)
				}
			})
		})
	}
}

// One process may not call; another has put a token into the Store since.
func TestI03_ARememberedFailureDoesNotHideTheStoresToken(t *testing.T) {
	for name, retryAfter := range map[string]string{"refused": "", "Retry-After": "3600"} {
		t.Run(name, func(t *testing.T) {
			inFleet(t, 1, func(t *testing.T, f *fleet) {
				good := f.all[0]
				status := 403
				if retryAfter != "" {
					status = 429
				}
				bad := f.joinAs(nhn.Registration(f.srv.Credentials(), f.srv.Options()...), authtrip.WithTokenTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
					res := answer(r, status, `{"error":"access_denied"}`)
					if retryAfter != "" {
						res.Header.Set("Retry-After", retryAfter)
					}
					return res, nil
				})))
				for range 300 {
					_, _ = bad.get()
					settle(time.Second)
				}
				// Somebody deletes the lease, so that good may call.
				if key, _, v := f.store.only(t, "lease/"); key != "" {
					_ = f.store.Store.Delete(t.Context(), key, v)
				}
				good.mustGet()
				synctest.Wait()
				start := time.Now()
				var err error
				for time.Since(start) < 2*time.Hour {
					if _, e := bad.get(); e == nil {
						break
					} else if err == nil {
						err = e
					}
					settle(time.Second)
				}
				if d := time.Since(start); d > 2*time.Second {
					t.Errorf("requests failed for %v though the Store has a token: %v", d, err)
				}
			})
		})
	}
}
