package authtrip_test

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
)

func TestStatsFollowAToken(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		want := func(token string, calls uint64) authtrip.Stats {
			t.Helper()
			s := w.src.Stats()
			if s.Token != token || s.TokenCalls != calls || s.Registration != "nhn" {
				t.Errorf("%+v; want %q after %d calls", s, token, calls)
			}
			return s
		}
		if s := want("none", 0); s != (authtrip.Stats{Registration: "nhn", Server: s.Server, Token: "none", Circuit: "closed"}) || s.Server == "" {
			t.Errorf("of nothing %+v", s)
		}
		w.wantTokenCalls(0)
		w.mustGet()
		time.Sleep(time.Minute)
		if s := want("fresh", 1); s.Age != time.Minute || s.Left != 24*time.Hour-time.Minute-10*time.Second {
			t.Errorf("%+v", s)
		}
		time.Sleep(17 * time.Hour)
		want("stale", 1)
		time.Sleep(7 * time.Hour)
		if s := want("expired", 1); s.Left != 0 {
			t.Errorf("%+v", s)
		}
		w.mustGet()
		want("fresh", 2)
		w.srv.RevokeAll()
		w.srv.Break(authtest.Fault{Status: 503})
		if status, _ := w.get(); status != 401 {
			t.Fatal(status)
		}
		if s := want("rejected", 3); s.Failures != 1 || s.Rejections != 1 || s.NotReplayed != 1 || s.Replays != 0 {
			t.Errorf("%+v", s)
		}
		if err := w.src.Close(); err != nil {
			t.Fatal(err)
		}
		want("none", 3)
	})
}

func TestStatsOfATokenWithoutALifetime(t *testing.T) {
	src := newSource(t, registration(), authtrip.WithTokenTransport(&replies{bodies: []string{`{"access_token":"a"}`}}))
	if _, err := src.Token(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := src.Stats(); s.Left >= 0 || s.Token != "fresh" || s.Circuit != "closed" {
		t.Errorf("%+v", s)
	}
}

// Asking for the circuit's state changes it in no way.
func TestStatsTellTheCircuitAndLeaveItAlone(t *testing.T) {
	var changes []string
	synctest.Test(t, func(t *testing.T) {
		tokens := &replies{bodies: []string{`{"access_token":"a"}`}, status: 503}
		src := newSource(t, registration(), authtrip.WithTokenTransport(tokens), authtrip.Policy{BreakerFailures: 1},
			authtrip.Hooks{CircuitChanged: func(_, from, to string) { changes = append(changes, from+" "+to) }})
		_, _ = src.Token(t.Context())
		for range 3 {
			if s := src.Stats(); s.Circuit != "open" {
				t.Errorf("%+v", s)
			}
			time.Sleep(time.Minute) // a probe is due, and nobody needs one
		}
		synctest.Wait()
		if len(changes) != 1 {
			t.Errorf("the changes are %q", changes)
		}
		if _, err := src.Token(t.Context()); errors.Is(err, authtrip.ErrCircuitOpen) {
			t.Errorf("the probe was not made: %v", err)
		}
		tokens.status = 0
		time.Sleep(time.Minute)
		if _, err := src.Token(t.Context()); err != nil {
			t.Error(err)
		}
		if s := src.Stats(); s.Circuit != "closed" {
			t.Errorf("%+v", s)
		}
	})
}

// Counts are of the registration, whoever the user and whatever the scopes; the
// token is one's own.
func TestStatsCountForAllUsersOfARegistration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		m := s.manager(t)
		ann, bob, nobody := of(t, m, "ann"), of(t, m, "bob"), of(t, m, "nobody")
		s.login(t, ann, "ann")
		s.login(t, bob, "bob")
		a, n := ann.Stats(), nobody.Stats()
		if a.TokenCalls != 2 || a.Token != "fresh" || n.TokenCalls != 2 || n.Token != "none" || n.Age != 0 {
			t.Errorf("ann's %+v, nobody's %+v", a, n)
		}
		ctx := authtrip.WithScopes(authtrip.WithPrincipal(t.Context(), "ann"), "some")
		if who, err := s.whoami(ctx, m); who != "ann" {
			t.Fatal(who, err)
		}
		if a := ann.Stats(); a.TokenCalls != 3 {
			t.Errorf("with a token for other scopes %+v", a)
		}
	})
}

func TestStatsOfNoSource(t *testing.T) {
	var none *authtrip.Source
	if s := none.Stats(); s.Token != "none" || s.TokenCalls != 0 {
		t.Errorf("%+v", s)
	}
	if s := new(authtrip.Source).Stats(); s.Token != "none" {
		t.Errorf("%+v", s)
	}
}

// A token that was reissued and is rejected as well does not count as fresh,
// though nothing better is to be had.
func TestStatsOfATokenThatIsRejectedToo(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		for range 3 {
			res, err := w.client.Get(w.srv.APIURL + "/always")
			if err != nil || res.StatusCode != 401 {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if s := w.src.Stats(); s.Token != "rejected" {
				t.Errorf("%+v", s)
			}
		}
		time.Sleep(25 * time.Hour)
		w.mustGet()
		if s := w.src.Stats(); s.Token != "fresh" {
			t.Errorf("%+v", s)
		}
	}, serving(rejecting("/always")))
}

func TestStatsWhileAProbeIsMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		status, wait := 503, time.Duration(0)
		src := newSource(t, registration(), authtrip.Policy{BreakerFailures: 1}, authtrip.WithTokenTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
			time.Sleep(wait)
			return (&replies{bodies: []string{`{"access_token":"a"}`}, status: status}).RoundTrip(r)
		})))
		_, _ = src.Token(t.Context())
		time.Sleep(time.Minute)
		status, wait = 200, time.Second
		go func() { _, _ = src.Token(t.Context()) }()
		time.Sleep(500 * time.Millisecond)
		if s := src.Stats(); s.Circuit != "half-open" {
			t.Errorf("%+v", s)
		}
		time.Sleep(time.Second)
		if s := src.Stats(); s.Circuit != "closed" || s.TokenCalls != 2 || s.Failures != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// The server gives the token again at its end: it is sent for a moment more.
func TestStatsOfATokenThatIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := registration()
		r.ExpiresInRemains = true
		src := newSource(t, r, authtrip.WithTokenTransport(&replies{bodies: []string{`{"access_token":"a","expires_in":100}`, `{"access_token":"a","expires_in":10}`}}))
		_, _ = src.Token(t.Context())
		time.Sleep(91 * time.Second)
		if s := src.Stats(); s.Token != "expired" || s.Left != 0 {
			t.Errorf("%+v", s)
		}
		if _, err := src.Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		if s := src.Stats(); s.Token != "stale" || s.Failures != 0 || s.TokenCalls != 2 {
			t.Errorf("%+v", s)
		}
	})
}
