package authtrip_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
)

func TestRevokeOnCloseEndsTheClientsTokensOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		client := registration()
		client.RevocationEndpoint.URL = "https://auth.example/revoke"
		without := registration()
		without.ID = "without"
		issued := 0
		m := s.managerOf(t, []authtrip.Registration{user(), client, without}, authtrip.Policy{RevokeOnClose: true},
			authtrip.WithTokenTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
				if body, err := r.GetBody(); err == nil {
					b := make([]byte, 100)
					n, _ := body.Read(b)
					if strings.Contains(string(b[:n]), "client_credentials") {
						issued++
						return jsonReply(r, 200, map[string]any{"access_token": fmt.Sprint("client-", issued)}), nil
					}
				}
				return s.RoundTrip(r)
			})))
		s.login(t, of(t, m, "ann"), "ann")
		for _, ctx := range []context.Context{
			authtrip.WithRegistration(t.Context(), "test"),
			authtrip.WithScopes(authtrip.WithRegistration(t.Context(), "test"), "admin"),
			authtrip.WithRegistration(t.Context(), "without"),
		} {
			if _, err := s.whoami(ctx, m); err != nil {
				t.Fatal(err)
			}
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		if len(s.revoked) != 2 || strings.Contains(strings.Join(s.revoked, " "), "client-3") {
			t.Fatalf("revoked %v, want the two that can be", s.revoked)
		}
		if s.live("ann") == "" {
			t.Fatal("ann was logged out")
		}
		if err := m.Close(); err != nil || len(s.revoked) != 2 {
			t.Fatal("closed twice")
		}
	})
}

func TestWhatRevokeOnCloseCouldNotEndIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := registration()
		r.RevocationEndpoint.URL = "https://auth.example/revoke"
		src := newSource(t, r, authtrip.Policy{RevokeOnClose: true}, authtrip.WithTokenTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "revoke") {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			return jsonReply(r, 200, map[string]any{"access_token": "a"}), nil
		})))
		if _, err := src.Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		wantAll(t, src.Close(), `"test"`, "https://auth.example", "no answer in time")
		if took := time.Since(start); took != 10*time.Second {
			t.Fatalf("Close took %v", took)
		}
	})
}

// Closing ends what waits for its turn: nothing is spent any more.
func TestI17_NothingIsRedeemedAfterClose(t *testing.T) {
	for name, wait := range map[string]func(*server, *authtrip.Manager, *authtrip.Source, string) error{
		"a refresh": func(s *server, m *authtrip.Manager, _ *authtrip.Source, scope string) error {
			_, err := s.whoami(authtrip.WithScopes(authtrip.WithPrincipal(context.Background(), "ann"), scope), m)
			return err
		},
		"a code": func(s *server, _ *authtrip.Manager, src *authtrip.Source, _ string) error {
			return src.ExchangeCode(context.Background(), s.code("ann"), nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, store := newServer(), newSpyStore()
				m := s.manager(t, authtrip.WithPlaintextStore(store))
				src := of(t, m, "ann")
				s.login(t, src, "ann")
				s.befall(slowly(2*time.Second), nil)
				settle(time.Hour)
				go func() { _, _ = s.whoami(context.Background(), src) }() // under way
				synctest.Wait()
				for _, scope := range []string{"a", "b", "c"} {
					go func() {
						if err := wait(s, m, src, scope); !errors.Is(err, authtrip.ErrClosed) {
							t.Errorf("%v, want ErrClosed", err)
						}
					}()
				}
				settle(time.Second)
				before, start := s.callCount(), time.Now()
				if err := m.Close(); err != nil || time.Since(start) != time.Second {
					t.Fatalf("%v after %v; want to have waited for the call under way", err, time.Since(start))
				}
				settle(time.Minute)
				if s.callCount() != before {
					t.Fatalf("%d token calls after Close", s.callCount()-before)
				}
				if !strings.Contains(store.holds("ann"), s.live("ann")) || strings.Contains(store.holds("ann"), "intent") {
					t.Fatalf("the Store holds %s", store.holds("ann"))
				}
			})
		})
	}
}

func TestAfterCloseEverythingIsErrClosed(t *testing.T) {
	s := newServer()
	m := s.manager(t)
	src, handle := of(t, m, "ann"), of(t, m, "ann")
	s.login(t, src, "ann")
	tok, err := src.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	flow, q := begin(t, src)
	all := func(src *authtrip.Source) map[string]error {
		_, tokenErr := src.Token(t.Context())
		_, _, urlErr := src.AuthCodeURL(t.Context())
		_, requestErr := s.whoami(t.Context(), src)
		src.Invalidate(tok)
		return map[string]error{
			"Token": tokenErr, "AuthCodeURL": urlErr, "a request": requestErr, "Revoke": src.Revoke(t.Context()),
			"Exchange":     src.Exchange(t.Context(), flow, url.Values{"state": q["state"], "code": {"c"}}),
			"ExchangeCode": src.ExchangeCode(t.Context(), "c", nil),
		}
	}
	want := func(who string, src *authtrip.Source) {
		for name, err := range all(src) {
			if !errors.Is(err, authtrip.ErrClosed) || !strings.Contains(err.Error(), `"users"`) {
				t.Errorf("%s, %s: %v, want ErrClosed of %q", who, name, err, "users")
			}
		}
	}
	_ = handle.Close()
	want("a closed handle", handle)
	s.mustBe(t, src, "ann") // the others go on
	_ = m.Close()
	want("a closed Manager", src)
	if s.callCount() != 1 || len(s.revoked) != 0 {
		t.Errorf("%d calls, revoked %q", s.callCount(), s.revoked)
	}
}

// However much there is to end, Close ends with the FetchTimeout.
func TestCloseIsBoundedHoweverManyTokensItRevokes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all []authtrip.Registration
		for i := range 160 {
			r := registration()
			r.ID, r.RevocationEndpoint.URL = fmt.Sprint(i), "https://auth.example/revoke"
			all = append(all, r)
		}
		s := newServer()
		m := s.managerOf(t, all, authtrip.Policy{RevokeOnClose: true}, authtrip.WithTokenTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "revoke") {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			return jsonReply(r, 200, map[string]any{"access_token": "a"}), nil
		})))
		for _, r := range all {
			src, err := m.Source(r.ID)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := src.Token(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		start := time.Now()
		wantAll(t, m.Close(), "no answer in time", "more tokens were revoked or saved")
		if took := time.Since(start); took != 10*time.Second {
			t.Fatalf("Close took %v", took)
		}
	})
}

func TestCloseIsBoundedHoweverMuchAStoreThatHangsDidNotTake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		m := s.manager(t, authtrip.WithPlaintextStore(store))
		const users = 400
		for i := range users {
			s.login(t, of(t, m, fmt.Sprint(i)), fmt.Sprint(i))
		}
		store.breakDown(down)
		for i := range users {
			if err := of(t, m, fmt.Sprint(i)).Revoke(t.Context()); err == nil {
				t.Fatal("no error")
			}
		}
		hang := make(chan struct{})
		defer close(hang)
		store.breakDown(func(string) error { <-hang; return nil })
		start := time.Now()
		wantAll(t, m.Close(), `"users"`, "the Store", "more tokens were revoked or saved")
		if took := time.Since(start); took > 11*time.Second {
			t.Fatalf("Close took %v", took)
		}
	})
}

func TestI17_CloseOffersTheStoreOnceMoreWhatItDidNotTake(t *testing.T) {
	for _, back := range []bool{true, false} {
		t.Run(fmt.Sprintf("the Store is back: %v", back), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, store := newServer(), newSpyStore()
				m := s.manager(t, authtrip.WithPlaintextStore(store))
				s.befall(nil, atCall(func() { store.breakDown(down) }))
				s.login(t, of(t, m, "ann"), "ann")
				if !back {
					wantAll(t, m.Close(), `"users"`, "the Store: down")
					return
				}
				store.breakDown(nil)
				if err := m.Close(); err != nil || !strings.Contains(store.holds("ann"), s.live("ann")) {
					t.Fatalf("%v; the Store holds %s", err, store.holds("ann"))
				}
			})
		})
	}
}

// A replay that waits for the first response's end is not sent any more.
func TestI08_NoReplayIsSentAfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newSource(t, registration(), issuing("a", "b"))
		var sent atomic.Int32
		rt := &authtrip.Transport{Source: src, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
			sent.Add(1)
			end := time.Now().Add(200 * time.Millisecond)
			body := &oddly{read: func(p []byte) (int, error) { time.Sleep(time.Until(end)); return copy(p, "all of it"), io.EOF }, close: func() {}}
			return &http.Response{StatusCode: 401, Header: http.Header{}, Body: body, Request: r}, nil
		})}
		time.AfterFunc(20*time.Millisecond, func() { _ = src.Close() })
		start := time.Now()
		again := &closing{Reader: strings.NewReader("body")}
		req := mustRequest(t, http.MethodPost, "https://api.example/", strings.NewReader("body"))
		req.GetBody = func() (io.ReadCloser, error) { return again, nil }
		res, err := rt.RoundTrip(req)
		if took := time.Since(start); err != nil || took != 20*time.Millisecond || sent.Load() != 1 || !again.closed.Load() {
			t.Fatalf("%v after %v, sent %d times, the other body closed: %v; want the first response at once", err, took, sent.Load(), again.closed.Load())
		}
		if body, err := io.ReadAll(res.Body); string(body) != "all of it" || err != nil || res.StatusCode != 401 {
			t.Errorf("%d %q, %v; want the 401 and all of it", res.StatusCode, body, err)
		}
	})
}
