package authtrip_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptrace"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
)

func TestI01_ConstructorsDoNothingAndTheFirstRequestFetches(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		time.Sleep(time.Hour)
		w.wantCounts(authtest.Counts{})
		w.mustGet()
		w.wantCounts(authtest.Counts{TokenCalls: 1, Issued: 1, Accepted: 1})
	})
}

func TestI01_AnIdleSourceHoldsNoGoroutine(t *testing.T) {
	// A bubble ends only when its last goroutine has: one of an open, idle
	// Source would fail this test. The Source is not closed.
	synctest.Test(t, func(t *testing.T) {
		src, err := authtrip.NewSource(registration(), authtrip.WithTokenTransport(&replies{
			bodies: []string{`{"access_token":"a","expires_in":60}`},
		}))
		if err != nil {
			t.Fatal(err)
		}
		for range 3 { // first use, renewal behind, wait for a new one
			if _, err := src.Token(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(50 * time.Second)
			synctest.Wait()
		}
	})
}

func TestI02_AThousandColdCallersMakeOneCall(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.srv.Break(authtest.Fault{Delay: 200 * time.Millisecond})
		start := time.Now()
		if got := w.all(1000); got[200] != 1000 {
			t.Fatalf("statuses %v, want 1000 of 200", got)
		}
		if took := time.Since(start); took != 200*time.Millisecond {
			t.Fatalf("they waited %v, want the endpoint's 200ms", took)
		}
		w.wantCounts(authtest.Counts{TokenCalls: 1, Issued: 1, Accepted: 1000})
	})
}

func TestI02_OneFlightOverRealSockets(t *testing.T) {
	w := newWorld(t)
	if got := w.all(100); got[200] != 100 {
		t.Fatalf("statuses %v, want 100 of 200", got)
	}
	w.wantCounts(authtest.Counts{TokenCalls: 1, Issued: 1, Accepted: 100})
}

func TestI02_TheFirstCallerLeavesAndNobodyNotices(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.srv.Break(authtest.Fault{Delay: time.Second})
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		var wg sync.WaitGroup
		start := time.Now()
		wg.Go(func() {
			_, err := w.getWithin(ctx)
			if took := time.Since(start); took != 100*time.Millisecond {
				t.Errorf("the first caller left after %v, want its own 100ms", took)
			}
			var timeout interface{ Timeout() bool }
			if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() {
				t.Errorf("the first caller got %v, want its own time-out", err)
			}
		})
		synctest.Wait()
		wg.Go(func() {
			if status, err := w.get(); status != 200 {
				t.Errorf("the second caller got %d, %v, want 200", status, err)
			}
		})
		wg.Wait()
		w.wantTokenCalls(1)
	})
}

func TestI02_ACallerLeavesWithItsOwnCause(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.srv.Break(authtest.Fault{Hang: true})
		why := errors.New("the user pressed stop")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(why) })
		_, err := w.src.Token(ctx)
		if !errors.Is(err, context.Canceled) || !errors.Is(err, why) {
			t.Fatalf("got %v, want the context's error and its cause", err)
		}
		var timeout interface{ Timeout() bool }
		if errors.As(err, &timeout) && timeout.Timeout() {
			t.Fatalf("a cancellation says it is a time-out: %v", err)
		}
	})
}

func TestI02_TheFlightInheritsNothing(t *testing.T) {
	type key struct{}
	type span struct{}
	var seen, chosen any
	tokens := roundTripFunc(func(r *http.Request) (*http.Response, error) {
		if httptrace.ContextClientTrace(r.Context()) != nil {
			t.Error("the token call has the caller's httptrace, which would show the secret")
		}
		seen, chosen = r.Context().Value(key{}), r.Context().Value(span{})
		return (&replies{bodies: []string{`{"access_token":"a"}`}}).RoundTrip(r)
	})
	src := newSource(t, registration(), authtrip.WithTokenTransport(tokens),
		authtrip.Hooks{TokenCallStart: func(flight, caller context.Context, _ authtrip.TokenCall) context.Context {
			return context.WithValue(flight, span{}, caller.Value(span{}))
		}})
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GetConn: func(string) {}})
	ctx = context.WithValue(context.WithValue(ctx, key{}, "inherited"), span{}, "span 7")
	if _, err := src.Token(ctx); err != nil {
		t.Fatal(err)
	}
	if seen != nil || chosen != "span 7" {
		t.Fatalf("the flight saw %v and %v; want nothing inherited and the chosen value", seen, chosen)
	}
}

func TestI02_AFlightIsBoundedByTheFetchTimeout(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.srv.Break(authtest.Fault{Hang: true})
		start := time.Now()
		_, err := w.src.Token(t.Context())
		if took := time.Since(start); err == nil || took > 10*time.Second {
			t.Fatalf("%v after %v, want an error within 10s", err, took)
		}
	})
}

func TestI02_ATransportThatIgnoresItsContextHoldsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		src := newSource(t, registration(), authtrip.WithTokenTransport(roundTripFunc(func(*http.Request) (*http.Response, error) {
			<-release
			return nil, errors.New("late")
		})))
		start := time.Now()
		_, err := src.Token(t.Context())
		if took := time.Since(start); err == nil || took > 10*time.Second {
			t.Fatalf("%v after %v, want an error within 10s", err, took)
		}
		close(release)
	})
}

func TestI02_CloseEndsTheFlightAndItsCallers(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.srv.Break(authtest.Fault{Hang: true})
		time.AfterFunc(time.Second, func() { _ = w.src.Close() })
		start := time.Now()
		_, err := w.get()
		if took := time.Since(start); !errors.Is(err, authtrip.ErrClosed) || took != time.Second {
			t.Fatalf("%v after %v, want ErrClosed at once", err, took)
		}
		w.srv.Heal()
		calls := w.srv.Counts().TokenCalls
		if _, err := w.get(); !errors.Is(err, authtrip.ErrClosed) {
			t.Fatalf("after Close: %v, want ErrClosed", err)
		}
		w.wantTokenCalls(calls)
	})
}

func TestI02_CloseStopsRequestsThatHaveAToken(t *testing.T) {
	w := newWorld(t)
	w.mustGet()
	if err := errors.Join(w.src.Close(), w.src.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.get(); !errors.Is(err, authtrip.ErrClosed) {
		t.Fatalf("got %v, want ErrClosed", err)
	}
	w.wantCounts(authtest.Counts{TokenCalls: 1, Issued: 1, Accepted: 1})
}

func TestI02_AClosedManagerEndsItsSources(t *testing.T) {
	srv := authtest.NewNHN()
	t.Cleanup(srv.Close)
	mgr := tenants(t, srv, "a", "b")
	a, b := source(t, mgr, "a"), source(t, mgr, "b")
	if _, err := a.Token(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(mgr.Close(), mgr.Close()); err != nil {
		t.Fatal(err)
	}
	for _, src := range []*authtrip.Source{a, b} {
		if _, err := src.Token(t.Context()); !errors.Is(err, authtrip.ErrClosed) {
			t.Fatalf("got %v, want ErrClosed", err)
		}
	}
}

func TestI02_APanicOrGoexitInTheFlightBecomesAnError(t *testing.T) {
	for name, end := range map[string]func(){
		"panic":  func() { panic("s3cret-s3cret") },
		"Goexit": runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			var ends atomic.Bool
			ends.Store(true)
			src := newSource(t, registration(), authtrip.WithTokenTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
				if ends.Load() {
					end()
				}
				return (&replies{bodies: []string{`{"access_token":"a"}`}}).RoundTrip(r)
			})))
			var wg sync.WaitGroup
			for range 10 {
				wg.Go(func() {
					_, err := src.Token(t.Context())
					if err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "s3cret") {
						t.Errorf("got %v, want an error that says %s and shows no secret", err, name)
					}
					if name == "panic" && !strings.Contains(err.Error(), "singleflight_test.go:") {
						t.Errorf("%v does not say where", err)
					}
				})
			}
			wg.Wait()
		})
	}
	t.Run("in Credentials", func(t *testing.T) {
		r := registration()
		r.ClientID, r.ClientSecret = "", authtrip.Secret{}
		r.Credentials = func(context.Context) (string, authtrip.Secret, error) { panic("vault") }
		src := newSource(t, r)
		if _, err := src.Token(t.Context()); err == nil || !strings.Contains(err.Error(), "Credentials: panic") {
			t.Fatalf("got %v, want an error that names Credentials", err)
		}
	})
	t.Run("in a hook", func(t *testing.T) {
		src := newSource(t, registration(), authtrip.Hooks{TokenCallStart: func(_, _ context.Context, _ authtrip.TokenCall) context.Context { panic("span") }})
		if _, err := src.Token(t.Context()); err == nil || !strings.Contains(err.Error(), "Hooks.TokenCallStart: panic") {
			t.Fatalf("got %v, want an error that names the hook", err)
		}
	})
}

func TestI02_AHooksContextCanDoNoHarm(t *testing.T) {
	type broken struct{ context.Context }
	trace := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{})
	for _, c := range map[string]struct {
		hook func(flight, caller context.Context, call authtrip.TokenCall) context.Context
		says string
	}{
		"panics when used": {func(_, _ context.Context, _ authtrip.TokenCall) context.Context { return broken{} }, "panic"},
		"nil":              {func(_, _ context.Context, _ authtrip.TokenCall) context.Context { return nil }, "Hooks.TokenCallStart: it returned no context"},
		"the caller's":     {func(_, caller context.Context, _ authtrip.TokenCall) context.Context { return caller }, "httptrace"},
	} {
		src := newSource(t, registration(), authtrip.Hooks{TokenCallStart: c.hook}, authtrip.WithTokenTransport(&replies{bodies: []string{`{"access_token":"a"}`}}))
		_, err := src.Token(trace)
		wantAll(t, err, c.says)
	}
	// A context that ended, or that ends, changes nothing but values.
	inBubble(t, func(t *testing.T, w *world) {
		w.srv.Break(authtest.Fault{Hang: true})
		time.AfterFunc(time.Second, func() { _ = w.src.Close() })
		start := time.Now()
		if _, err := w.src.Token(t.Context()); !errors.Is(err, authtrip.ErrClosed) || time.Since(start) != time.Second {
			t.Fatalf("%v after %v, want ErrClosed at once", err, time.Since(start))
		}
	}, with(authtrip.Hooks{TokenCallStart: func(context.Context, context.Context, authtrip.TokenCall) context.Context {
		return context.Background()
	}}))
}

func TestI02_ACallerThatIsGoneStartsNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := w.src.Token(ctx); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
		settle(time.Second)
		w.wantTokenCalls(0)
	})
}

func TestI02_ATokenThatComesAfterCloseIsNotUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		src := newSource(t, registration(), authtrip.WithTokenTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
			<-release // whatever the context says
			return (&replies{bodies: []string{`{"access_token":"a"}`}}).RoundTrip(r)
		})))
		go func() { _, _ = src.Token(t.Context()) }()
		synctest.Wait()
		_ = src.Close()
		close(release)
		synctest.Wait()
		if _, err := src.Token(t.Context()); !errors.Is(err, authtrip.ErrClosed) {
			t.Fatalf("got %v, want ErrClosed", err)
		}
	})
}

func TestI03_AFailingCredentialsFuncIsAskedAgainAfterASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		r := registration()
		r.ClientID, r.ClientSecret = "", authtrip.Secret{}
		r.Credentials = func(context.Context) (string, authtrip.Secret, error) {
			if asked++; asked < 4 {
				return "", authtrip.Secret{}, errors.New("the vault is sealed")
			}
			return "id", authtrip.NewSecret("secret"), nil
		}
		src := newSource(t, r, authtrip.WithTokenTransport(&replies{bodies: []string{`{"access_token":"a"}`}}))
		for i := range 3 {
			_, err := src.Token(t.Context())
			wantAll(t, err, "Credentials: the vault is sealed")
			if _, _ = src.Token(t.Context()); asked != i+1 {
				t.Fatalf("asked %d times, want %d", asked, i+1)
			}
			settle(time.Second)
		}
		if _, err := src.Token(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestI03_AFailedFlightIsNotRememberedByAccident(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.srv.Break(authtest.Fault{Status: 500, Times: 3}) // one flight's attempts
		if _, err := w.get(); err == nil {
			t.Fatal("no error from a failing server")
		}
		w.mustGet()
		w.wantTokenCalls(4)
	})
}

func TestI03_AWrongSecretDoesNotHammerTheServer(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		var calls []time.Duration
		start := time.Now()
		for range 300 * 10 { // 5 minutes, ten requests a second
			before := w.srv.Counts().TokenCalls
			_, err := w.get()
			var said *authtrip.ServerError
			if !errors.As(err, &said) || said.Code != "invalid_client" {
				t.Fatalf("got %v, want invalid_client", err)
			}
			if w.srv.Counts().TokenCalls > before {
				calls = append(calls, time.Since(start).Round(time.Second))
			} else if wait, ok := authtrip.RetryAfter(err); !ok || wait <= 0 || wait > time.Minute {
				t.Fatalf("a remembered failure says %v, %v; want when to come back", wait, ok)
			}
			time.Sleep(100 * time.Millisecond)
		}
		// 1 s doubling to 60 s.
		want := []time.Duration{0, 1, 3, 7, 15, 31, 63, 123, 183, 243}
		if len(calls) != len(want) {
			t.Fatalf("token calls at %v, want at %v seconds", calls, want)
		}
		for i := range want {
			if d := calls[i] - want[i]*time.Second; d < 0 || d > time.Second {
				t.Fatalf("token calls at %v, want at %v seconds", calls, want)
			}
		}
	}, changed(func(r *authtrip.Registration) { r.ClientSecret = authtrip.NewSecret("wrong") }))
}

func TestI03_RetryAfterIsHeeded(t *testing.T) {
	for _, c := range []struct {
		status     int
		retryAfter string
		after      time.Duration
	}{
		{429, "", time.Second},
		{429, "120", 2 * time.Minute},
		{429, "86400", time.Hour},
		{429, "99999999999999999999999", time.Hour},
		{429, "Sat, 01 Jan 2000 00:05:00 GMT", 5 * time.Minute}, // a bubble begins at midnight
		{503, "30", 30 * time.Second},
		{503, "3600", time.Minute},
	} {
		inBubble(t, func(t *testing.T, w *world) {
			w.srv.Break(authtest.Fault{Status: c.status, RetryAfter: c.retryAfter})
			_, err := w.src.Token(t.Context())
			var said *authtrip.ServerError
			if !errors.As(err, &said) || said.Status != c.status {
				t.Fatalf("got %v, want a ServerError with status %d", err, c.status)
			}
			w.srv.Heal()
			time.Sleep(c.after - time.Millisecond)
			if _, err := w.src.Token(t.Context()); err == nil {
				t.Fatalf("%d with Retry-After %q: asked again before %v", c.status, c.retryAfter, c.after)
			}
			time.Sleep(time.Millisecond)
			if _, err := w.src.Token(t.Context()); err != nil {
				t.Fatalf("%d with Retry-After %q: not asked again after %v: %v", c.status, c.retryAfter, c.after, err)
			}
		})
	}
}

func TestI03_NewCredentialsAreAskedForAfterInvalidClient(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		creds := w.srv.Credentials()
		asked := 0
		r := authtrip.Registration{
			ID: "rotating", ClientAuth: authtrip.ClientSecretBasicRaw,
			TokenEndpoint: authtrip.Endpoint{URL: w.srv.AuthURL + "/oauth2/token/create"},
			Credentials: func(context.Context) (string, authtrip.Secret, error) {
				if asked++; asked == 1 {
					return creds.UserAccessKeyID, authtrip.NewSecret("old"), nil
				}
				return creds.UserAccessKeyID, creds.SecretAccessKey, nil
			},
		}
		src := newSource(t, r, authtrip.WithTokenTransport(w.srv.Transport()))
		tok, err := src.Token(t.Context())
		if err != nil || asked != 2 {
			t.Fatalf("%v after asking %d times, want a token after asking twice", err, asked)
		}
		src.Invalidate(tok)
		if _, err := src.Token(t.Context()); err != nil || asked != 2 {
			t.Fatalf("%v after asking %d times; the second call must use the known credentials", err, asked)
		}
	})
}

// A caller that asked before the flight failed, and joins after it, must not
// begin another.
func TestI03_WhoComesLateHeedsTheFailureToo(t *testing.T) {
	for range 100 {
		inBubble(t, func(t *testing.T, w *world) {
			w.srv.Break(authtest.Fault{Status: 429, RetryAfter: "7"})
			var wg sync.WaitGroup
			for range 20 {
				wg.Go(func() { _, _ = w.src.Token(t.Context()) })
			}
			wg.Wait()
			w.wantTokenCalls(1)
		})
	}
}
