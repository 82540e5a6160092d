package authtrip_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
)

// heard is what hooks were told, a line for each.
type heard struct {
	mu    sync.Mutex
	lines []string             // guarded by mu
	calls []authtrip.TokenCall // guarded by mu; what TokenCallDone was told
}

func (h *heard) say(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lines = append(h.lines, fmt.Sprintf(format, args...))
}

func orNil(err error) string {
	if err == nil {
		return "nil"
	}
	return "an error"
}

func (h *heard) hooks() authtrip.Hooks {
	return authtrip.Hooks{
		TokenCallStart: func(flight, _ context.Context, call authtrip.TokenCall) context.Context {
			h.say("start %s", call.Why)
			return flight
		},
		TokenCallDone: func(_ context.Context, call authtrip.TokenCall) {
			h.say("done %s: %s, %d attempts, %s", call.Why, call.Outcome, call.Attempts, orNil(call.Err))
			h.mu.Lock()
			defer h.mu.Unlock()
			h.calls = append(h.calls, call)
		},
		Waited: func(_ context.Context, id string, wait time.Duration, err error) {
			h.say("waited %v, %s", wait, orNil(err))
		},
		Rejected: func(_ context.Context, id string, status int, first bool) {
			h.say("rejected %d, first %v", status, first)
		},
		ReplayStart: func(context.Context, string) context.Context { h.say("replay"); return nil },
		ReplayDone: func(_ context.Context, _ string, accepted bool, err error) {
			h.say("replayed: accepted %v, %s", accepted, orNil(err))
		},
		NotReplayed: func(_ context.Context, _ string, why error) { h.say("not replayed") },
	}
}

// want compares what was heard since it was asked last.
func (h *heard) want(t *testing.T, lines ...string) {
	t.Helper()
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	if got := h.lines; strings.Join(got, "\n") != strings.Join(lines, "\n") {
		t.Errorf("the hooks heard:\n\t%s\nwant:\n\t%s", strings.Join(got, "\n\t"), strings.Join(lines, "\n\t"))
	}
	h.lines = nil
}

func (h *heard) last(t *testing.T) authtrip.TokenCall {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.calls) == 0 {
		t.Fatal("TokenCallDone was told nothing")
	}
	return h.calls[len(h.calls)-1]
}

func TestHooksHearOfATokensWholeLife(t *testing.T) {
	h := &heard{}
	inBubble(t, func(t *testing.T, w *world) {
		w.delayReply.Store(int64(100 * time.Millisecond))
		w.mustGet()
		h.want(t, "start first use", "done first use: issued, 1 attempts, nil", "waited 100ms, nil")
		call := h.last(t)
		if call.Duration != 100*time.Millisecond || call.Registration != "nhn" || !strings.HasPrefix(call.Server, "http") || call.User {
			t.Errorf("told %+v", call)
		}
		if left := call.Lifetime; left > 24*time.Hour-10*time.Second || left < 24*time.Hour-time.Minute {
			t.Errorf("the lifetime is %v", left)
		}

		time.Sleep(17 * time.Hour) // stale
		w.mustGet()
		time.Sleep(time.Second)
		h.want(t, "start stale", "done stale: issued, 1 attempts, nil")
		if n := len(h.last(t).Waiters); n != 0 {
			t.Errorf("%d wait for a renewal", n)
		}

		time.Sleep(24 * time.Hour) // expired
		w.mustGet()
		h.want(t, "start expired", "done expired: issued, 1 attempts, nil", "waited 100ms, nil")

		w.srv.RevokeAll()
		w.mustGet()
		h.want(t, "rejected 401, first true", "start rejected", "done rejected: issued, 1 attempts, nil", "waited 100ms, nil",
			"replay", "replayed: accepted true, nil")

		tok, err := w.src.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		w.src.Invalidate(tok)
		w.mustGet()
		h.want(t, "start forced", "done forced: issued, 1 attempts, nil", "waited 100ms, nil")
		if err := w.src.Revoke(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.mustGet()
		h.want(t, "start forced", "done forced: issued, 1 attempts, nil", "waited 100ms, nil")

		w.srv.Break(authtest.Fault{SameToken: true})
		time.Sleep(17 * time.Hour)
		w.mustGet()
		time.Sleep(time.Second)
		h.want(t, "start stale", "done stale: unchanged, 1 attempts, nil")
	}, with(h.hooks()))
}

func TestHooksHearHowTokenCallsFail(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault authtest.Fault
		done  string
	}{
		{"503", authtest.Fault{Status: 503}, "done first use: failed, 3 attempts, an error"},
		{"400", authtest.Fault{Status: 400}, "done first use: refused, 1 attempts, an error"},
		{"429", authtest.Fault{Status: 429}, "done first use: refused, 1 attempts, an error"},
		{"HTML", authtest.Fault{Body: "<html>"}, "done first use: failed, 1 attempts, an error"},
		{"no token", authtest.Fault{Body: "{}"}, "done first use: failed, 1 attempts, an error"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := &heard{}
			inBubble(t, func(t *testing.T, w *world) {
				w.srv.Break(c.fault)
				if _, err := w.src.Token(t.Context()); err == nil {
					t.Fatal("there is a token")
				}
				call := h.last(t)
				if call.Err == nil || !strings.Contains(call.Err.Error(), `registration "nhn" at `) || call.Lifetime != 0 {
					t.Errorf("told %+v", call)
				}
				h.mu.Lock()
				h.lines = h.lines[:2] // the time of the wait is the backoff's
				h.mu.Unlock()
				h.want(t, "start first use", c.done)
				time.Sleep(2 * time.Minute)
				_, _ = w.src.Token(t.Context())
				if call := h.last(t); call.Err == nil {
					t.Errorf("the second failure is told as %+v", call)
				}
				w.srv.Heal()
				time.Sleep(2 * time.Minute)
				w.mustGet()
				if call := h.last(t); call.Err != nil || call.Outcome != "issued" {
					t.Errorf("that it works again is told as %+v", call)
				}
			}, with(h.hooks()))
		})
	}
}

func TestHooksHearThatCloseCameFirst(t *testing.T) {
	h := &heard{}
	inBubble(t, func(t *testing.T, w *world) {
		w.srv.Break(authtest.Fault{Hang: true})
		time.AfterFunc(time.Second, func() { _ = w.src.Close() })
		_, _ = w.src.Token(t.Context())
		time.Sleep(time.Second)
		if call := h.last(t); call.Outcome != "closed" || !errors.Is(call.Err, authtrip.ErrClosed) {
			t.Errorf("told %+v", call)
		}
	}, with(h.hooks()))
}

func TestHooksHearOfTheStore(t *testing.T) {
	h := &heard{}
	inFleet(t, 1, func(t *testing.T, f *fleet) {
		f.all[0].mustGet()
		time.Sleep(time.Second)
		second := f.join(h.hooks())
		second.mustGet()
		if call := h.last(t); call.Outcome != "stored" || call.Err != nil || call.Attempts != 0 || call.Why != "first use" || call.Lifetime < 23*time.Hour {
			t.Errorf("told %+v", call)
		}
		if s := second.src.Stats(); s.Stored != 1 || s.TokenCalls != 0 || s.Token != "fresh" {
			t.Errorf("counted %+v", s)
		}
		for _, line := range h.lines {
			if strings.HasPrefix(line, "start") {
				t.Errorf("heard %q, and no call was made", line)
			}
		}
	})
}

func TestHooksHearThatARenewalIsLeftToAnother(t *testing.T) {
	h := &heard{}
	inFleet(t, 1, func(t *testing.T, f *fleet) {
		f.all[0].mustGet()
		time.Sleep(time.Second)
		second := f.join(h.hooks())
		second.mustGet()
		time.Sleep(17 * time.Hour)
		f.srv.Break(authtest.Fault{Hang: true})
		f.all[0].mustGet() // and has the lease
		time.Sleep(time.Second)
		second.mustGet()
		time.Sleep(10 * time.Millisecond)
		if call := h.last(t); call.Outcome != "deferred" || call.Err != nil || call.Why != "stale" {
			t.Errorf("told %+v", call)
		}
		f.srv.Heal()
		time.Sleep(time.Minute)
	})
}

func TestHooksHearOfLogins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, s := &heard{}, newServer()
		src := of(t, s.manager(t, h.hooks()), "ann")
		s.login(t, src, "ann")
		call := h.last(t)
		if call.Why != "login" || call.Outcome != "issued" || !call.User || call.Attempts != 1 || call.Lifetime == 0 || len(call.Waiters) != 1 {
			t.Errorf("told %+v", call)
		}
		if err := src.ExchangeCode(t.Context(), "no such code", nil); err == nil {
			t.Fatal("it was redeemed")
		}
		if call := h.last(t); call.Why != "login" || call.Outcome != "refused" || call.Err == nil {
			t.Errorf("told %+v", call)
		}
		h.want(t, "start login", "done login: issued, 1 attempts, nil",
			"start login", "done login: refused, 1 attempts, an error")
		if n := src.Stats(); n.TokenCalls != 2 || n.Failures != 1 || n.Token != "fresh" {
			t.Errorf("counted %+v", n)
		}
		s.endAll()
		settle(time.Hour)
		_, _ = src.Token(t.Context())
		if call := h.last(t); call.Outcome != "refused" || !errors.Is(call.Err, authtrip.ErrAuthorizationRequired) {
			t.Errorf("told %+v", call)
		}
		// From now on nothing is asked, and nothing told.
		before := len(h.calls)
		_, _ = src.Token(t.Context())
		if len(h.calls) != before {
			t.Errorf("told %+v, and nothing was done", h.last(t))
		}
	})
}
