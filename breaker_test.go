package authtrip_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/nhn"
)

// open makes the circuit open: two flights of failures.
func (w *world) open() {
	w.t.Helper()
	for range 2 {
		if _, err := w.get(); err == nil {
			w.t.Fatal("a request got through while the server was down")
		}
	}
	w.wantTokenCalls(5)
	if _, err := w.get(); !errors.Is(err, authtrip.ErrCircuitOpen) {
		w.t.Fatalf("after 5 failures: %v, want ErrCircuitOpen", err)
	}
}

func TestI11_OpensAfterFiveFailuresAndProbesEverLater(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.srv.Break(authtest.Fault{Reset: true})
		w.open()
		opened := time.Now()
		var probes []time.Duration
		for time.Since(opened) < 58*time.Second {
			before := w.srv.Counts().TokenCalls
			start := time.Now()
			_, err := w.get()
			if !errors.Is(err, authtrip.ErrCircuitOpen) && w.srv.Counts().TokenCalls == before {
				t.Fatalf("got %v without a call, want ErrCircuitOpen", err)
			}
			if took := time.Since(start); took != 0 {
				t.Fatalf("a caller waited %v for an open circuit", took)
			}
			switch n := w.srv.Counts().TokenCalls - before; n {
			case 0:
			case 1:
				probes = append(probes, time.Since(opened))
			default:
				t.Fatalf("a probe made %d calls, want 1", n)
			}
			time.Sleep(10 * time.Millisecond)
		}
		// Waits of 1, 2, 4, 8, 10, 10, … seconds, each ± 10 %, 10 s at most.
		waits := []time.Duration{1, 2, 4, 8, 10, 10, 10}
		last := time.Duration(0)
		for i, p := range probes {
			wait, want := p-last, waits[min(i, len(waits)-1)]*time.Second
			if d := (wait - want).Abs(); d > want/10+20*time.Millisecond {
				t.Fatalf("probes at %v: wait %d is %v, want %v ± 10%%", probes, i, wait, want)
			}
			last = p
		}
		if len(probes) < len(waits) {
			t.Fatalf("probes at %v", probes)
		}
		w.srv.Heal()
		settle(10 * time.Second)
		w.mustGet()
	})
}

func TestI11_ProbesAreSpread(t *testing.T) {
	first, last := time.Hour, time.Duration(0)
	for range 40 {
		inBubble(t, func(t *testing.T, w *world) {
			w.srv.Break(authtest.Fault{Reset: true})
			w.open()
			_, err := w.get()
			wait, _ := authtrip.RetryAfter(err)
			first, last = min(first, wait), max(last, wait)
		})
	}
	if first < 900*time.Millisecond || last > 1100*time.Millisecond || last-first < 20*time.Millisecond {
		t.Fatalf("waits from %v to %v, want them spread within 1s ± 10%%", first, last)
	}
}

func TestI11_TheErrorSaysWhenToComeBackAndIsNoTimeout(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.srv.Break(authtest.Fault{Hang: true})
		w.open() // by time-outs
		_, err := w.get()
		var timeout interface{ Timeout() bool }
		if !errors.As(err, &timeout) || timeout.Timeout() || errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("%v: Timeout must be false", err)
		}
		wait, ok := authtrip.RetryAfter(err)
		if !ok || wait <= 0 || wait > 1100*time.Millisecond {
			t.Fatalf("come back in %v, %v; want about a second", wait, ok)
		}
		wantAll(t, err, `"nhn"`, w.srv.AuthURL, "next probe in", "deadline exceeded")
	})
}

func TestI11_CallersAreServedAtTheNextProbe(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.srv.Break(authtest.Fault{Status: 500})
		w.open()
		w.srv.Heal()
		_, err := w.get()
		wait, _ := authtrip.RetryAfter(err)
		settle(wait)
		if got := w.all(100); got[200] == 0 {
			t.Fatalf("statuses %v right after the wait", got)
		}
		w.mustGet()
		w.wantTokenCalls(6)
	})
}

func TestI11_WhileAProbeHangsNobodyElseWaits(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.srv.Break(authtest.Fault{Hang: true})
		w.open()
		settle(1200 * time.Millisecond)
		go func() { _, _ = w.get() }() // the probe
		synctest.Wait()
		w.wantTokenCalls(6)
		start := time.Now()
		if _, err := w.get(); !errors.Is(err, authtrip.ErrCircuitOpen) || time.Since(start) != 0 {
			t.Fatalf("%v after %v, want ErrCircuitOpen at once", err, time.Since(start))
		}
		settle(10 * time.Second)
	})
}

func TestI11_AValidTokenNoticesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.srv.SetLifetime(10 * time.Minute)
		w.mustGet()
		w.srv.Break(authtest.Fault{Reset: true})
		settle(7 * time.Minute) // stale: renewals fail and open the circuit
		start := time.Now()
		for time.Since(start) < 110*time.Second {
			before := time.Now()
			w.mustGet()
			if took := time.Since(before); took != 0 {
				t.Fatalf("a request with a valid token waited %v", took)
			}
			settle(100 * time.Millisecond)
		}
		settle(time.Minute)
		if _, err := w.get(); err == nil {
			t.Fatal("an expired token was used")
		}
	})
}

func TestI11_AnotherTenantsOutageCostsAValidTokenNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := authtest.NewNHN(authtest.InMemory())
		t.Cleanup(srv.Close)
		mgr := tenants(t, srv, "a", "b")
		b := source(t, mgr, "b")
		srv.SetLifetime(10 * time.Minute)
		if _, err := b.Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		settle(8 * time.Minute) // stale
		srv.Break(authtest.Fault{Reset: true})
		for range 2 {
			_, _ = source(t, mgr, "a").Token(t.Context())
		}
		calls := srv.Counts().TokenCalls
		n := testing.AllocsPerRun(1000, func() {
			if _, err := b.Token(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
		if srv.Counts().TokenCalls != calls || n > 0 && !raceEnabled {
			t.Fatalf("%d more calls, %v allocations per token while the circuit is open", srv.Counts().TokenCalls-calls, n)
		}
	})
}

func TestI11_A503sRetryAfterPutsOffTheProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Five registrations at one server: each is told once, and the fifth
		// answer opens the circuit for a sixth.
		srv := authtest.NewNHN(authtest.InMemory())
		t.Cleanup(srv.Close)
		mgr := tenants(t, srv, "a", "b", "c", "d", "e", "f")
		srv.Break(authtest.Fault{Status: 503, RetryAfter: "20"})
		for _, id := range []string{"a", "b", "c", "d", "e"} {
			if _, err := source(t, mgr, id).Token(t.Context()); err == nil {
				t.Fatal("no error")
			}
		}
		srv.Heal()
		_, err := source(t, mgr, "f").Token(t.Context())
		if wait, _ := authtrip.RetryAfter(err); !errors.Is(err, authtrip.ErrCircuitOpen) || wait != 20*time.Second {
			t.Fatalf("%v, come back in %v; want ErrCircuitOpen and 20s", err, wait)
		}
		settle(20*time.Second - time.Millisecond)
		if _, err := source(t, mgr, "f").Token(t.Context()); !errors.Is(err, authtrip.ErrCircuitOpen) {
			t.Fatalf("probed before Retry-After: %v", err)
		}
		settle(time.Millisecond)
		if _, err := source(t, mgr, "f").Token(t.Context()); err != nil {
			t.Fatalf("not probed after Retry-After: %v", err)
		}
	})
}

func TestI11_OneServerOneCircuit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down, up := authtest.NewNHN(authtest.InMemory()), authtest.NewNHN(authtest.InMemory())
		t.Cleanup(down.Close)
		t.Cleanup(up.Close)
		both := roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if strings.HasPrefix(r.URL.String(), down.AuthURL) {
				return down.Transport().RoundTrip(r)
			}
			return up.Transport().RoundTrip(r)
		})
		reg := func(id string, srv *authtest.NHN) authtrip.Registration {
			r := nhn.Registration(srv.Credentials(), nhn.AuthServer(srv.AuthURL))
			r.ID = id
			return r
		}
		mgr, err := authtrip.NewManager([]authtrip.Registration{reg("a", down), reg("b", down), reg("c", up)}, authtrip.WithTokenTransport(both))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = mgr.Close() })
		down.Break(authtest.Fault{Reset: true})
		for range 2 {
			_, _ = source(t, mgr, "a").Token(t.Context())
		}
		calls := down.Counts().TokenCalls
		if _, err := source(t, mgr, "b").Token(t.Context()); !errors.Is(err, authtrip.ErrCircuitOpen) || down.Counts().TokenCalls != calls {
			t.Fatalf("b at the same server got %v, want ErrCircuitOpen without a call", err)
		}
		if _, err := source(t, mgr, "c").Token(t.Context()); err != nil {
			t.Fatalf("c at another server got %v", err)
		}
	})
}

func TestI11_AnOAuthErrorIsNeutralAndClosesAProbedCircuit(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		get := func(f authtest.Fault, n int) {
			w.srv.Break(f)
			for range n {
				settle(2 * time.Minute) // past what is remembered
				_, _ = w.src.Token(t.Context())
			}
		}
		get(authtest.Fault{Status: 400}, 20)
		get(authtest.Fault{Status: 429}, 20)
		get(authtest.Fault{Reset: true}, 1) // three failures
		get(authtest.Fault{Status: 400}, 1) // neutral: forgets none of them
		w.srv.Break(authtest.Fault{Reset: true})
		settle(2 * time.Minute)
		before := w.srv.Counts().TokenCalls
		_, _ = w.src.Token(t.Context())
		if _, err := w.src.Token(t.Context()); !errors.Is(err, authtrip.ErrCircuitOpen) || w.srv.Counts().TokenCalls != before+2 {
			t.Fatalf("%v after %d more calls; want it open after 2", err, w.srv.Counts().TokenCalls-before)
		}
		w.srv.Break(authtest.Fault{Status: 429})
		settle(time.Minute)
		_, _ = w.src.Token(t.Context()) // the probe: alive
		w.srv.Break(authtest.Fault{Reset: true})
		settle(time.Minute)
		before = w.srv.Counts().TokenCalls
		_, _ = w.src.Token(t.Context())
		if n := w.srv.Counts().TokenCalls - before; n != 3 {
			t.Fatalf("%d attempts; the circuit is closed and a flight makes 3", n)
		}
	})
}

func TestI11_OneTenantsRefusalIsThatTenants(t *testing.T) {
	for _, f := range []authtest.Fault{
		{Status: 429}, {Status: 429, Body: "<html>slow down"}, {Status: 429, Body: " "},
		{Status: 401, Body: " "}, {Status: 401, Body: "<html>who are you"},
	} {
		synctest.Test(t, func(t *testing.T) {
			srv := authtest.NewNHN(authtest.InMemory())
			t.Cleanup(srv.Close)
			mgr := tenants(t, srv, "a", "b")
			srv.Break(f)
			for range 10 {
				_, err := source(t, mgr, "a").Token(t.Context())
				var said *authtrip.ServerError
				if !errors.As(err, &said) || strings.Contains(err.Error(), "URL") {
					t.Fatalf("got %v", err)
				}
				settle(2 * time.Minute)
			}
			srv.Heal()
			if _, err := source(t, mgr, "b").Token(t.Context()); err != nil {
				t.Fatalf("%+v to a: b got %v", f, err)
			}
		})
	}
}

func TestI11_ALate503PutsOffTheProbeToo(t *testing.T) {
	// A call that began before the circuit opened, and is answered after.
	synctest.Test(t, func(t *testing.T) {
		srv := authtest.NewNHN(authtest.InMemory())
		t.Cleanup(srv.Close)
		mgr := tenants(t, srv, "slow", "a", "b", "c")
		srv.Break(authtest.Fault{Status: 503, RetryAfter: "30", Delay: 2 * time.Second, Times: 1})
		go func() { _, _ = source(t, mgr, "slow").Token(t.Context()) }()
		synctest.Wait()
		srv.Break(authtest.Fault{Reset: true})
		for _, id := range []string{"a", "b"} {
			_, _ = source(t, mgr, id).Token(t.Context())
		}
		settle(2500 * time.Millisecond)
		_, err := source(t, mgr, "c").Token(t.Context())
		if wait, _ := authtrip.RetryAfter(err); !errors.Is(err, authtrip.ErrCircuitOpen) || wait < 20*time.Second {
			t.Fatalf("%v, come back in %v; want what the 503 said", err, wait)
		}
	})
}

func TestI11_RepliesThatAreNoTokenReplyCount(t *testing.T) {
	for _, body := range []string{"<html>maintenance</html>", " ", "[1]", `{"access_token":"a`} {
		inBubble(t, func(t *testing.T, w *world) {
			w.srv.Break(authtest.Fault{Body: body})
			for range 5 {
				settle(2 * time.Minute)
				if _, err := w.src.Token(t.Context()); errors.Is(err, authtrip.ErrCircuitOpen) {
					t.Fatalf("%q: open too early", body)
				}
			}
			if _, err := w.src.Token(t.Context()); !errors.Is(err, authtrip.ErrCircuitOpen) {
				t.Fatalf("%q: %v, want ErrCircuitOpen after five", body, err)
			}
		})
	}
}

func TestI11_APanickingProbeDoesNotLoseItsSlot(t *testing.T) {
	for name, end := range map[string]func(){"panic": func() { panic("probe") }, "Goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var healed atomic.Bool
				src := newSource(t, registration(), authtrip.WithTokenTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
					if !healed.Load() {
						end()
					}
					return (&replies{bodies: []string{`{"access_token":"a"}`}}).RoundTrip(r)
				})))
				for range 10 {
					if _, err := src.Token(t.Context()); err == nil {
						t.Fatal("no error")
					}
					settle(12 * time.Second)
				}
				healed.Store(true)
				if _, err := src.Token(t.Context()); err != nil {
					t.Fatalf("the circuit never closed: %v", err)
				}
			})
		})
	}
}

func TestI11_ACallersCancellationIsNotCounted(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.srv.Break(authtest.Fault{Delay: time.Second})
		for range 20 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			if _, err := w.src.Token(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("got %v", err)
			}
			cancel()
		}
		w.mustGet()
		w.wantTokenCalls(1)
	})
}

// tenants is a Manager of registrations that differ in their ID only.
func tenants(t *testing.T, srv *authtest.NHN, ids ...string) *authtrip.Manager {
	t.Helper()
	var regs []authtrip.Registration
	for _, id := range ids {
		r := nhn.Registration(srv.Credentials(), srv.Options()...)
		r.ID = id
		regs = append(regs, r)
	}
	token := srv.Transport().Clone()
	token.DisableKeepAlives = true
	mgr, err := authtrip.NewManager(regs, authtrip.WithTokenTransport(token))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mgr.Close() })
	return mgr
}

func source(t *testing.T, mgr *authtrip.Manager, id string) *authtrip.Source {
	t.Helper()
	src, err := mgr.Source(id)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// wantAll fails the test unless err's text has all parts.
func wantAll(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want one that says %q", parts)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("%q does not say %q", err, p)
		}
	}
}

func TestI11_TheHookHearsOfEachChange(t *testing.T) {
	var changes []string
	var server string
	inBubble(t, func(t *testing.T, w *world) {
		w.srv.Break(authtest.Fault{Reset: true})
		w.open()
		time.Sleep(2 * time.Second)
		if _, err := w.get(); err == nil {
			t.Fatal("the probe got through")
		}
		w.srv.Heal()
		time.Sleep(4 * time.Second)
		w.mustGet()
		synctest.Wait()
		if u, err := url.Parse(server); err != nil || u.Port() == "" || !strings.HasPrefix(server, w.srv.AuthURL) {
			t.Errorf("the server is called %q, want %s with its port", server, w.srv.AuthURL)
		}
	}, with(authtrip.Hooks{CircuitChanged: func(s, from, to string) {
		server = s
		changes = append(changes, from+" "+to)
	}}))
	want := []string{"closed open", "open half-open", "half-open open", "open half-open", "half-open closed"}
	if !slices.Equal(changes, want) {
		t.Errorf("the hook heard %q, want %q", changes, want)
	}
}

func TestI11_AHookThatBreaksOrHangsHurtsNobody(t *testing.T) {
	for name, hook := range map[string]func(string, string, string){
		"panics": func(_, _, _ string) { panic("hook") },
		"exits":  func(_, _, _ string) { runtime.Goexit() },
		"hangs":  func(_, _, _ string) { time.Sleep(time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				w.srv.Break(authtest.Fault{Reset: true})
				w.open()
				w.srv.Heal()
				time.Sleep(2 * time.Second)
				start := time.Now()
				w.mustGet()
				if took := time.Since(start); took > time.Second {
					t.Errorf("the probe took %v", took)
				}
				time.Sleep(9 * time.Hour) // the hanging hooks end
			}, with(authtrip.Hooks{CircuitChanged: hook}))
		})
	}
}
