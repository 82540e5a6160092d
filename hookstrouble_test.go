package authtrip_test

import (
	"context"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
)

// What a hook that misbehaves costs.

func TestAHookThatHangsCostsThoseWhoWaitASecond(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		end := make(chan struct{})
		defer close(end)
		src := newSource(t, registration(), authtrip.WithTokenTransport(&replies{bodies: []string{`{"access_token":"a"}`}}),
			authtrip.Hooks{TokenCallDone: func(context.Context, authtrip.TokenCall) { <-end }})
		start := time.Now()
		if _, err := src.Token(t.Context()); err != nil || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestAPanicOfTokenCallDoneTakesNobodysToken(t *testing.T) {
	for name, end := range map[string]func(){"panic": func() { panic("mine") }, "Goexit": runtime.Goexit} {
		src := newSource(t, registration(), authtrip.WithTokenTransport(&replies{bodies: []string{`{"access_token":"a"}`}}),
			authtrip.Hooks{TokenCallDone: func(context.Context, authtrip.TokenCall) { end() }})
		if _, err := src.Token(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestI16_APanicOfAHookLeavesNoBodyOpen(t *testing.T) {
	mine := func() { panic("mine") }
	for name, hooks := range map[string]authtrip.Hooks{
		"Waited":      {Waited: func(context.Context, string, time.Duration, error) { mine() }},
		"Rejected":    {Rejected: func(context.Context, string, int, bool) { mine() }},
		"ReplayStart": {ReplayStart: func(context.Context, string) context.Context { mine(); return nil }},
		"ReplayDone":  {ReplayDone: func(context.Context, string, bool, error) { mine() }},
		"NotReplayed": {NotReplayed: func(context.Context, string, error) { mine() }},
		"a second Rejected": {Rejected: func() func(context.Context, string, int, bool) {
			n := 0
			return func(context.Context, string, int, bool) {
				if n++; n == 2 {
					mine()
				}
			}
		}()},
	} {
		src := newSource(t, registration(), hooks,
			authtrip.WithTokenTransport(&replies{bodies: []string{`{"access_token":"a"}`, `{"access_token":"b"}`}}))
		var bodies []*closing // of the requests that were sent, and of their responses
		rt := &authtrip.Transport{Source: src, NoReplay: name == "NotReplayed", Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
			_ = r.Body.Close()
			body := &closing{Reader: strings.NewReader("no")}
			bodies = append(bodies, body)
			return &http.Response{StatusCode: 401, Header: http.Header{}, Body: body, Request: r}, nil
		})}
		req, _ := http.NewRequest(http.MethodPost, "https://api.example/", nil)
		first := &closing{Reader: strings.NewReader("x")}
		var again []*closing
		req.Body = first
		req.GetBody = func() (body io.ReadCloser, err error) {
			again = append(again, &closing{Reader: strings.NewReader("x")})
			return again[len(again)-1], nil
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s did not panic", name)
				}
			}()
			_, _ = rt.RoundTrip(req)
		}()
		for i, body := range append(append(bodies, first), again...) {
			if !body.closed.Load() {
				t.Errorf("%s: body %d of %d responses is open", name, i, len(bodies))
			}
		}
	}
}

// Hooks are called outside all locks: what they may ask does not wait for them.
func TestFromAHookTheSourceAnswers(t *testing.T) {
	var src *authtrip.Source
	var old authtrip.Token
	ask := func() {
		if src == nil {
			return
		}
		if src.Stats().Registration == "" {
			t.Error("no statistics")
		}
		src.Suspect(old)
		src.Invalidate(old)
	}
	inBubble(t, func(t *testing.T, w *world) {
		w.mustGet()
		old, _ = w.src.Token(t.Context())
		src = w.src
		w.srv.RevokeAll()
		w.mustGet()
		w.srv.Break(authtest.Fault{Status: 503})
		time.Sleep(25 * time.Hour)
		for range 5 {
			_, _ = w.get()
		}
	}, with(authtrip.Hooks{
		TokenCallStart: func(flight, _ context.Context, _ authtrip.TokenCall) context.Context { ask(); return flight },
		TokenCallDone:  func(context.Context, authtrip.TokenCall) { ask() },
		Waited:         func(context.Context, string, time.Duration, error) { ask() },
		Rejected: func(_ context.Context, _ string, status int, _ bool) {
			if status != 0 { // which Suspect tells
				ask()
			}
		},
		ReplayStart:    func(context.Context, string) context.Context { ask(); return nil },
		ReplayDone:     func(context.Context, string, bool, error) { ask() },
		NotReplayed:    func(context.Context, string, error) { ask() },
		CircuitChanged: func(string, string, string) { ask() },
	}))
}

func TestI16_AGoexitInAHookLeavesNoBodyOpen(t *testing.T) {
	for name, hooks := range map[string]authtrip.Hooks{
		"Rejected":    {Rejected: func(context.Context, string, int, bool) { runtime.Goexit() }},
		"ReplayStart": {ReplayStart: func(context.Context, string) context.Context { runtime.Goexit(); return nil }},
		"ReplayDone":  {ReplayDone: func(context.Context, string, bool, error) { runtime.Goexit() }},
	} {
		src := newSource(t, registration(), hooks, authtrip.WithTokenTransport(&replies{bodies: []string{`{"access_token":"a"}`, `{"access_token":"b"}`}}))
		var bodies []*closing
		rt := &authtrip.Transport{Source: src, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
			bodies = append(bodies, &closing{Reader: strings.NewReader("no")})
			return &http.Response{StatusCode: 401, Header: http.Header{}, Body: bodies[len(bodies)-1], Request: r}, nil
		})}
		done := make(chan struct{})
		go func() {
			defer close(done)
			req, _ := http.NewRequest(http.MethodGet, "https://api.example/", nil)
			_, _ = rt.RoundTrip(req)
		}()
		<-done
		for i, b := range bodies {
			if !b.closed.Load() {
				t.Errorf("%s: body %d is open", name, i)
			}
		}
	}
}

// The flight has run out of time, or Close ended it: what is told of it may be
// sent on all the same.
func TestTheContextOfTokenCallDoneHasNotEnded(t *testing.T) {
	told := 0
	inBubble(t, func(t *testing.T, w *world) {
		w.srv.Break(authtest.Fault{Hang: true})
		_, _ = w.src.Token(t.Context())
		time.AfterFunc(time.Second, func() { _ = w.src.Close() })
		_, _ = w.src.Token(t.Context())
		time.Sleep(time.Second)
	}, with(authtrip.Hooks{
		TokenCallStart: func(flight, _ context.Context, _ authtrip.TokenCall) context.Context { return flight },
		TokenCallDone: func(flight context.Context, call authtrip.TokenCall) {
			if told++; flight.Err() != nil {
				t.Errorf("%s: %v", call.Outcome, flight.Err())
			}
		},
	}))
	if told != 2 {
		t.Errorf("told %d times", told)
	}
}
