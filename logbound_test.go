package authtrip_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
)

// count is how many records of each level and message were written.
func (r *records) count(t *testing.T) map[string]int {
	t.Helper()
	n := map[string]int{}
	for _, one := range r.take(t) {
		n[one["level"].(string)+" "+strings.TrimPrefix(one["msg"].(string), "authtrip: ")]++
	}
	return n
}

// What users do, and what becomes of their logins, is no trouble of the
// registration's.
func TestALoggerIsNotWarnedOfLogins(t *testing.T) {
	r := &records{}
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		m := s.manager(t, authtrip.WithLogger(r.logger(slog.LevelDebug)))
		everybody := func(f func(src *authtrip.Source, name string)) {
			for i := range 20 {
				name := fmt.Sprint("user", i)
				f(of(t, m, name), name)
			}
		}
		everybody(func(src *authtrip.Source, name string) { s.login(t, src, name) })
		s.endAll()
		settle(2 * time.Hour)
		everybody(func(src *authtrip.Source, _ string) { _, _ = src.Token(t.Context()) })
		everybody(func(src *authtrip.Source, _ string) { _ = src.ExchangeCode(t.Context(), "bogus", nil) })
		everybody(func(src *authtrip.Source, name string) { s.login(t, src, name) })
		for what, n := range r.count(t) {
			if strings.HasPrefix(what, "WARN") {
				t.Errorf("%d times %q", n, what)
			}
		}
		// But that of a wrong secret it is, once for all of them.
		settle(2 * time.Hour)
		s.reply = func(m map[string]any) { clear(m); m["error"] = "invalid_client" }
		everybody(func(src *authtrip.Source, _ string) { _, _ = src.Token(t.Context()) })
		if n := r.count(t); n["WARN token calls fail"] != 1 || n["DEBUG token call"] != 19 {
			t.Errorf("written %v", n)
		}
	})
}

// Two registrations fail: each is told of.
func TestALoggerTellsRegistrationsApart(t *testing.T) {
	r := &records{}
	synctest.Test(t, func(t *testing.T) {
		one, two := registration(), registration()
		two.ID = "two"
		m, err := authtrip.NewManager([]authtrip.Registration{one, two}, authtrip.WithLogger(r.logger(slog.LevelInfo)),
			authtrip.WithTokenTransport(&replies{bodies: []string{`{"error":"invalid_client"}`}, status: 400}))
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			for _, id := range []string{"test", "two"} {
				src, _ := m.Source(id)
				_, _ = src.Token(t.Context())
			}
			time.Sleep(2 * time.Minute)
		}
		r.want(t, "WARN token calls fail", "WARN token calls fail")
	})
}

// An API that rejects every third request is told of once in ten minutes; one
// that works and fails in turn, six times.
func TestALoggersWarningsAreBounded(t *testing.T) {
	r := &records{}
	n := 0
	inBubble(t, func(t *testing.T, w *world) {
		for range 1200 {
			_, _ = w.get()
			time.Sleep(time.Second)
		}
		if n := r.count(t); n["WARN token rejected"] != 2 || n["DEBUG token rejected"] < 100 {
			t.Errorf("in twenty minutes %v", n)
		}
		time.Sleep(time.Hour)
		for i := range 40 {
			if i%2 == 0 {
				w.srv.Break(authtest.Fault{Status: 400})
			} else {
				w.srv.Heal()
			}
			tok, err := w.src.Token(t.Context())
			if err == nil {
				w.src.Invalidate(tok)
			}
			_, _ = w.src.Token(t.Context())
			time.Sleep(61 * time.Second)
		}
		c := r.count(t)
		fail, work := c["WARN token calls fail"], c["WARN token calls work again"]
		if debug := c["DEBUG token calls fail"] + c["DEBUG token calls work again"]; fail+work > 6*5 || fail+work < 6*4 || debug == 0 {
			t.Errorf("in forty minutes %d and %d, and %d at Debug", fail, work, debug)
		}
	}, with(authtrip.WithLogger(r.logger(slog.LevelDebug))), serving(func(w http.ResponseWriter, _ *http.Request) {
		if n++; n%3 == 0 {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
}

// What one Manager was warned of is not known to another with the same option.
func TestALoggerIsEachManagersOwn(t *testing.T) {
	r := &records{}
	o := authtrip.WithLogger(r.logger(slog.LevelWarn))
	for range 2 {
		reg := registration()
		reg.Envelopes = map[string]authtrip.Envelope{"api.example": {Code: "code", Rejected: []string{"1"}}}
		reg.Origins = []string{"api.example"}
		src := newSource(t, reg, o, authtrip.WithTokenTransport(&replies{bodies: []string{`{"access_token":"a"}`}}))
		rt := &authtrip.Transport{Source: src, Base: roundTripFunc(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader("no"))}, nil
		})}
		for range 3 {
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.example/", nil)
			res, err := rt.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
		}
	}
	if n := strings.Count(r.text.String(), "envelope undecided"); n != 2 {
		t.Errorf("written %d times, want once by each", n)
	}
}
