package authtrip_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
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

func TestHooksHearOfRejectionsAndWhatFollows(t *testing.T) {
	h := &heard{}
	inBubble(t, func(t *testing.T, w *world) {
		base := w.client.Transport.(*authtrip.Transport).Base
		fail := false
		w.client.Transport.(*authtrip.Transport).Base = roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if fail && !strings.HasSuffix(r.URL.Path, "organizations") {
				return nil, errors.New("no route")
			}
			return base.RoundTrip(r)
		})
		w.mustGet()
		h.lines = nil

		// An API that rejects all: the first is replaced, and its successor's
		// rejection is news; later ones are not.
		get := func(path string) {
			res, err := w.client.Get(w.srv.APIURL + path)
			if err == nil {
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
			}
		}
		get("/always")
		h.want(t, "rejected 401, first true", "start rejected", "done rejected: issued, 1 attempts, nil", "waited 0s, nil",
			"replay", "rejected 401, first true", "replayed: accepted false, nil")
		get("/always")
		h.want(t, "rejected 401, first false", "not replayed")
		if s := w.src.Stats(); s.Rejections != 3 || s.Replays != 1 || s.NotReplayed != 1 || s.TokenCalls != 2 {
			t.Errorf("counted %+v", s)
		}

		// A body that cannot be sent twice.
		time.Sleep(25 * time.Hour)
		w.mustGet()
		h.lines = nil
		w.srv.RevokeAll()
		req, _ := http.NewRequest(http.MethodPost, w.srv.APIURL+"/v1/organizations", io.NopCloser(strings.NewReader("x")))
		_, _ = w.send(req)
		h.want(t, "rejected 401, first true", "not replayed")
		w.mustGet()
		h.lines = nil

		// Told by Suspect.
		tok, _ := w.src.Token(t.Context())
		time.Sleep(time.Hour)
		w.src.Suspect(tok)
		w.src.Suspect(tok)
		h.want(t, "rejected 0, first true", "rejected 0, first false")
		w.mustGet()
		h.lines = nil
		time.Sleep(time.Hour)

		// The second sending breaks.
		fail, n := true, 0
		w.client.Transport.(*authtrip.Transport).Base = roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if n++; n == 2 {
				return nil, errors.New("no route")
			}
			return base.RoundTrip(r)
		})
		w.srv.RevokeAll()
		_, err := w.get()
		if err == nil || !fail {
			t.Fatal("the second sending did not break")
		}
		h.want(t, "rejected 401, first true", "start rejected", "done rejected: issued, 1 attempts, nil", "waited 0s, nil",
			"replay", "replayed: accepted false, an error")
	}, with(h.hooks()), serving(rejecting("/always")))
}

func TestWaitersAreThoseWhoWaitedAlsoWhoLeft(t *testing.T) {
	type name struct{}
	h := &heard{}
	inBubble(t, func(t *testing.T, w *world) {
		w.delayReply.Store(int64(time.Second))
		var wg sync.WaitGroup
		for i := range 5 {
			wg.Go(func() {
				ctx := context.WithValue(t.Context(), name{}, i)
				if i == 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, 500*time.Millisecond)
					defer cancel()
				}
				_, _ = w.src.Token(ctx)
			})
		}
		wg.Wait()
		seen := map[any]bool{}
		for _, ctx := range h.last(t).Waiters {
			seen[ctx.Value(name{})] = true
		}
		if len(seen) != 5 || len(h.last(t).Waiters) != 5 {
			t.Errorf("waiting are %v", seen)
		}
		w.mustGet()
		w.srv.RevokeAll()
		w.mustGet()
		if n := len(h.last(t).Waiters); n != 1 {
			t.Errorf("%d wait for the next, want the one", n)
		}
	}, with(h.hooks()))
}

func TestReplaysContextCarriesValuesAndItsEndIsTheRequests(t *testing.T) {
	type mark struct{}
	inBubble(t, func(t *testing.T, w *world) {
		w.mustGet()
		base, sent := w.client.Transport.(*authtrip.Transport).Base, 0
		w.client.Transport.(*authtrip.Transport).Base = roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if sent++; sent == 2 {
				if r.Context().Value(mark{}) != "again" || r.Context().Err() != nil {
					t.Errorf("the replay's context has %v and ended with %v", r.Context().Value(mark{}), r.Context().Err())
				}
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			if r.Context().Value(mark{}) != nil {
				t.Error("the first has the replay's value")
			}
			return base.RoundTrip(r)
		})
		w.srv.RevokeAll()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start := time.Now()
		_, err := w.getWithin(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 5*time.Second || sent != 2 {
			t.Errorf("%v after %v, sent %d times", err, time.Since(start), sent)
		}
	}, with(authtrip.Hooks{ReplayStart: func(ctx context.Context, _ string) context.Context {
		ended, cancel := context.WithCancel(context.WithValue(ctx, mark{}, "again"))
		cancel() // only values count
		return ended
	}}))
}

func TestEveryHookOfTwoIsTold(t *testing.T) {
	// By reflection, so that none is forgotten.
	fields := reflect.TypeFor[authtrip.Hooks]()
	for i := range fields.NumField() {
		var order []string
		hook := func(name string) authtrip.Hooks {
			var h authtrip.Hooks
			f := fields.Field(i)
			reflect.ValueOf(&h).Elem().Field(i).Set(reflect.MakeFunc(f.Type, func(args []reflect.Value) []reflect.Value {
				order = append(order, name)
				if f.Type.NumOut() == 1 {
					ctx := context.WithValue(args[0].Interface().(context.Context), orderKey(name), true)
					return []reflect.Value{reflect.ValueOf(&ctx).Elem()}
				}
				return nil
			}))
			return h
		}
		for _, both := range [][]authtrip.Hooks{{hook("first"), {}, hook("second")}, {hook("first"), hook("second"), {}}} {
			order = nil
			m := authtrip.HooksOf(both...)
			f := reflect.ValueOf(m).Field(i)
			args := make([]reflect.Value, f.Type().NumIn())
			for j := range args {
				args[j] = reflect.Zero(f.Type().In(j))
				if f.Type().In(j) == reflect.TypeFor[context.Context]() {
					args[j] = reflect.ValueOf(t.Context())
				}
			}
			out := f.Call(args)
			if strings.Join(order, " ") != "first second" {
				t.Errorf("%s told %q", fields.Field(i).Name, order)
			}
			if len(out) == 1 {
				ctx := out[0].Interface().(context.Context)
				if ctx.Value(orderKey("first")) == nil || ctx.Value(orderKey("second")) == nil {
					t.Errorf("%s loses a value", fields.Field(i).Name)
				}
			}
		}
	}
}

type orderKey string
