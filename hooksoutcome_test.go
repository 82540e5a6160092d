package authtrip_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/nhn"
)

// What TokenCallDone is told in the rarer cases.

func TestATokenThatWasInvalidatedWhileItCameIsNoFailure(t *testing.T) {
	h, r := &heard{}, &records{}
	inBubble(t, func(t *testing.T, w *world) {
		w.mustGet()
		tok, _ := w.src.Token(t.Context())
		w.srv.Break(authtest.Fault{SameToken: true})
		time.Sleep(17 * time.Hour)
		w.delayReply.Store(int64(time.Second))
		w.mustGet() // renewed behind it
		time.Sleep(500 * time.Millisecond)
		w.src.Invalidate(tok)
		_, _ = w.src.Token(t.Context())
		synctest.Wait()
		if h.calls[1].Outcome != "dropped" || h.calls[1].Err != nil || h.calls[1].Lifetime != 0 {
			t.Errorf("told %+v", h.calls[1])
		}
		if s := w.src.Stats(); s.Failures != 0 || int(s.TokenCalls) != len(h.calls) {
			t.Errorf("counted %+v of %d", s, len(h.calls))
		}
		for _, one := range r.take(t) {
			if one["level"] == "WARN" {
				t.Errorf("warned of %v", one)
			}
		}
	}, with(h.hooks(), authtrip.WithLogger(r.logger(slog.LevelDebug))))
}

// Old credentials were refused, and the Store had a token of the new ones.
func TestATokenOfTheStoreAfterACallThatWasRefused(t *testing.T) {
	inFleet(t, 1, func(t *testing.T, f *fleet) {
		f.all[0].mustGet()
		time.Sleep(time.Second)
		reg, asked, h := nhn.Registration(f.srv.Credentials(), f.srv.Options()...), 0, &heard{}
		id, secret := reg.ClientID, reg.ClientSecret
		reg.ClientID, reg.ClientSecret = "", authtrip.Secret{}
		reg.Credentials = func(context.Context) (string, authtrip.Secret, error) {
			if asked++; asked == 1 {
				return id, authtrip.NewSecret("an old one"), nil
			}
			return id, secret, nil
		}
		m := f.joinAs(reg, h.hooks())
		m.mustGet()
		h.want(t, "start first use", "done first use: stored, 1 attempts, nil", "waited 0s, nil")
		if s := m.src.Stats(); s.Stored != 1 || s.TokenCalls != 1 || s.Failures != 1 {
			t.Errorf("counted %+v", s)
		}
	})
}

// The Store's token was rejected somewhere, and is better than none.
func TestATokenToMakeDoWithIsToldWithWhatWentWrong(t *testing.T) {
	inFleet(t, 1, func(t *testing.T, f *fleet) {
		f.all[0].mustGet()
		tok, _ := f.all[0].src.Token(t.Context())
		f.srv.Break(authtest.Fault{Status: 400})
		f.all[0].src.Suspect(tok)
		_, _ = f.all[0].get()
		time.Sleep(10 * time.Second)
		h := &heard{}
		second := f.join(h.hooks())
		if status, err := second.get(); status != 200 {
			t.Fatal(status, err)
		}
		if call := h.last(t); call.Outcome != "refused" || call.Err == nil || call.Lifetime == 0 || call.Attempts != 1 {
			t.Errorf("told %+v", call)
		}
		if s := second.src.Stats(); s.TokenCalls != 1 || s.Failures != 1 {
			t.Errorf("counted %+v", s)
		}
	})
}

// A func of the program's that fails is told, whoever the token is of and shared
// or not.
func TestAFuncThatFailsIsHeardOf(t *testing.T) {
	gone := func(context.Context) (string, authtrip.Secret, error) {
		return "", authtrip.Secret{}, errors.New("the file is gone")
	}
	client := registration()
	client.ClientID, client.ClientSecret, client.Credentials = "", authtrip.Secret{}, gone
	ofUser := registration()
	ofUser.Grant = authtrip.RefreshToken
	ofUser.RefreshToken = func(context.Context, string) (authtrip.Secret, error) {
		return authtrip.Secret{}, errors.New("the file is gone")
	}
	for name, c := range map[string]struct {
		reg     authtrip.Registration
		options []authtrip.Option
	}{
		"alone":    {reg: client},
		"in fleet": {client, []authtrip.Option{authtrip.WithPlaintextStore(newSpyStore())}},
		"of users": {reg: ofUser},
	} {
		h, r := &heard{}, &records{}
		synctest.Test(t, func(t *testing.T) {
			src := newSource(t, c.reg, append(c.options, h.hooks(), authtrip.WithLogger(r.logger(slog.LevelWarn)))...)
			_, err := src.Token(t.Context())
			wantAll(t, err, "the file is gone")
			if call := h.last(t); call.Outcome != "failed" || call.Err == nil || call.Attempts != 0 {
				t.Errorf("%s: told %+v", name, call)
			}
			r.want(t, "WARN token calls fail")
			if s := src.Stats(); s.TokenCalls != 0 {
				t.Errorf("%s: counted %+v", name, s)
			}
		})
	}
}

func TestCloseDuringALoginIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, s := &heard{}, newServer()
		m := s.manager(t, h.hooks())
		src := of(t, m, "ann")
		s.befall(func(int, *http.Request) error { time.Sleep(time.Second); return nil }, nil)
		go func() {
			time.Sleep(500 * time.Millisecond)
			_ = m.Close()
		}()
		err := src.ExchangeCode(t.Context(), s.code("ann"), nil)
		time.Sleep(3 * time.Second)
		if call := h.last(t); !errors.Is(err, authtrip.ErrClosed) || call.Outcome != "closed" || !errors.Is(call.Err, authtrip.ErrClosed) {
			t.Errorf("%v; told %+v", err, call)
		}
	})
}

// Close ends a flight while its hook is asked: the hook's own goroutine may go on.
func TestI02_AHookThatIsAskedWhileCloseComes(t *testing.T) {
	for range 100 {
		src := newSource(t, registration(), authtrip.WithTokenTransport(&replies{bodies: []string{`{"access_token":"a"}`}}), authtrip.Hooks{
			TokenCallStart: func(f, _ context.Context, c authtrip.TokenCall) context.Context {
				runtime.Gosched()
				return context.WithValue(f, orderKey("x"), fmt.Sprint(c))
			},
			TokenCallDone: func(context.Context, authtrip.TokenCall) {},
		})
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = src.Token(t.Context()) })
		wg.Go(func() { _ = src.Close() })
		wg.Wait()
	}
}

// A flight that redeems twice is one call.
func TestACallOfTwoRedemptionsIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, s := &heard{}, newServer()
		given := "given-1-CANARY"
		s.refresh[given] = "ann"
		m := s.managerOf(t, []authtrip.Registration{user(func(r *authtrip.Registration) {
			r.RefreshToken = func(context.Context, string) (authtrip.Secret, error) { return authtrip.NewSecret(given), nil }
		})}, h.hooks())
		src := of(t, m, "ann")
		s.mustBe(t, src, "ann")
		s.endAll()
		settle(time.Hour)
		given = "given-2-CANARY"
		s.refresh[given] = "ann"
		h.lines = nil
		s.mustBe(t, src, "ann")
		h.want(t, "start expired", "done expired: issued, 2 attempts, nil", "waited 0s, nil")
	})
}

// Waited is told once for a request, and what that got.
func TestARequestsWaitIsToldOnceWithItsOutcome(t *testing.T) {
	h := &heard{}
	inBubble(t, func(t *testing.T, w *world) {
		w.mustGet()
		tok, _ := w.src.Token(t.Context())
		w.src.Suspect(tok)
		w.srv.Break(authtest.Fault{Hang: true})
		h.lines = nil
		w.mustGet() // with the suspect, after a second
		var waits []string
		for _, line := range h.lines {
			if strings.HasPrefix(line, "waited") {
				waits = append(waits, line)
			}
		}
		if len(waits) != 1 || waits[0] != "waited 1s, nil" {
			t.Errorf("told %q", waits)
		}
	}, with(h.hooks()))
}

func TestI14_AnErrorOfTheSecondSendingShowsNoToken(t *testing.T) {
	r := &records{}
	var told []string
	src := newSource(t, registration(), authtrip.WithLogger(r.logger(slog.LevelDebug)), authtrip.Hooks{
		ReplayDone: func(_ context.Context, _ string, _ bool, err error) {
			told = append(told, fmt.Sprintf("%v %+v %#v", err, err, err))
		},
		NotReplayed: func(_ context.Context, _ string, err error) {
			told = append(told, fmt.Sprintf("%v %+v %#v", err, err, err))
		},
	}, authtrip.WithTokenTransport(&replies{bodies: []string{`{"access_token":"aaaaaaaaaaaaaaaaCANARY"}`, `{"access_token":"bbbbbbbbbbbbbbbbCANARY"}`}}))
	n, sent := 0, ""
	rt := &authtrip.Transport{Source: src, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
		sent = fmt.Sprint(r.Header)
		if n++; n == 2 {
			return nil, fmt.Errorf("could not send %v", r.Header)
		}
		return &http.Response{StatusCode: 401, Header: http.Header{}, Body: http.NoBody}, nil
	})}
	req, _ := http.NewRequest(http.MethodGet, "https://api.example/", nil)
	if _, err := rt.RoundTrip(req); err == nil {
		t.Fatal("it was sent")
	}
	if len(told) != 1 || !strings.Contains(sent, "bbbbCANARY") {
		t.Fatalf("told %q, sent %q", told, sent)
	}
	if all := fmt.Sprint(told) + r.text.String(); strings.Contains(all, "CANARY") {
		t.Errorf("told %s", all)
	}
	if !strings.Contains(r.text.String(), "could not send") {
		t.Errorf("what went wrong is not written: %s", r.text.String())
	}
}
