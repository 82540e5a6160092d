package authtrip_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
)

// records are what a logger wrote, as JSON.
type records struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (r *records) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *records) logger(level slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(r, &slog.HandlerOptions{Level: level}))
}

// take returns what was written since, and forgets it.
func (r *records) take(t *testing.T) (all []map[string]any) {
	t.Helper()
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	for line := range strings.Lines(r.text.String()) {
		var one map[string]any
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatalf("%v: %q", err, line)
		}
		delete(one, "time")
		all = append(all, one)
	}
	r.text.Reset()
	return all
}

// want compares levels and messages.
func (r *records) want(t *testing.T, lines ...string) {
	t.Helper()
	var got []string
	for _, one := range r.take(t) {
		got = append(got, one["level"].(string)+" "+strings.TrimPrefix(one["msg"].(string), "authtrip: "))
	}
	if !slices.Equal(got, lines) {
		t.Errorf("written:\n\t%s\nwant:\n\t%s", strings.Join(got, "\n\t"), strings.Join(lines, "\n\t"))
	}
}

func TestALoggerIsToldAChangeOnceAndWhatGoesWellAtDebug(t *testing.T) {
	r := &records{}
	inBubble(t, func(t *testing.T, w *world) {
		w.mustGet()
		r.want(t, "DEBUG token call", "DEBUG waited for a token")

		// An outage, with the token valid for a while and then not.
		w.srv.Break(authtest.Fault{Status: 503})
		for range 200 {
			time.Sleep(time.Hour / 4)
			_, _ = w.get()
		}
		var warned []string
		for _, one := range r.take(t) {
			if one["level"] == "WARN" {
				warned = append(warned, one["msg"].(string))
			}
		}
		if want := []string{"authtrip: token calls fail", "authtrip: circuit changed"}; !slices.Equal(slices.Sorted(slices.Values(warned)), slices.Sorted(slices.Values(want))) {
			t.Errorf("warned of %q", warned)
		}
		w.srv.Heal()
		time.Sleep(time.Minute)
		w.mustGet()
		warned = nil
		for _, one := range r.take(t) {
			if one["level"] == "WARN" {
				warned = append(warned, one["msg"].(string))
			}
		}
		slices.Sort(warned)
		if want := []string{"authtrip: circuit changed", "authtrip: token calls work again"}; !slices.Equal(warned, want) {
			t.Errorf("warned of %q, want %q", warned, want)
		}

		w.srv.RevokeAll()
		if got := w.all(20); got[200] != 20 {
			t.Fatal(got)
		}
		rejected := 0
		for _, one := range r.take(t) {
			if one["level"] == "WARN" {
				rejected++
				if one["msg"] != "authtrip: token rejected" || one["status"] != 401.0 || one["first"] != true {
					t.Errorf("warned of %v", one)
				}
			}
		}
		if rejected != 1 {
			t.Errorf("warned %d times of one token that is rejected", rejected)
		}
	}, with(authtrip.WithLogger(r.logger(slog.LevelDebug))))
}

// TestEveryRecordIsAsDocumented compares with the table of WithLogger.
func TestEveryRecordIsAsDocumented(t *testing.T) {
	r := &records{}
	var all []map[string]any
	synctest.Test(t, func(t *testing.T) {
		reg := registration()
		reg.Envelopes = map[string]authtrip.Envelope{"api.example": {Code: "code", Rejected: []string{"1"}}}
		reg.Origins = []string{"api.example"}
		tokens := &replies{bodies: []string{`{"access_token":"aaaaaaaaaaaaaaaaaaaa","expires_in":3600}`, `{"access_token":"bbbbbbbbbbbbbbbbbbbb"}`}}
		store := newSpyStore()
		src := newSource(t, reg, authtrip.WithTokenTransport(tokens), authtrip.WithLogger(r.logger(slog.LevelDebug)), authtrip.WithPlaintextStore(store),
			authtrip.Policy{BreakerFailures: 1})
		answers := map[string]*http.Response{}
		rt := &authtrip.Transport{Source: src, Base: roundTripFunc(func(req *http.Request) (*http.Response, error) {
			if res := answers[req.URL.Path]; res != nil {
				copied := *res
				copied.Body = io.NopCloser(strings.NewReader("no JSON"))
				return &copied, nil
			}
			return nil, errors.New("no route")
		})}
		answers["/odd"] = &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}}
		answers["/401"] = &http.Response{StatusCode: 401, Header: http.Header{}}
		get := func(path string) {
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.example"+path, nil)
			if res, err := rt.RoundTrip(req); err == nil {
				_ = res.Body.Close()
			}
		}
		get("/odd") // a token call, a wait, an envelope
		get("/401") // rejected, sent again, rejected
		get("/401") // not sent again
		tokens.status = 503
		time.Sleep(time.Hour)
		get("/401") // token calls fail, the circuit opens
		time.Sleep(time.Minute)
		tokens.status = 0
		get("/401") // half-open, closed, they work again
		time.Sleep(time.Hour)
		store.breakDown(func(string) error { return errors.New("down") })
		get("/401")
		time.Sleep(2 * time.Hour)
		get("/401")
		store.breakDown(nil)
		time.Sleep(2 * time.Hour)
		get("/401")
		time.Sleep(time.Minute)
		all = r.take(t)
	})
	documented := map[string][]string{
		"token call":             {"registration", "server", "why", "outcome", "duration", "attempts", "lifetime", "error"},
		"token calls fail":       {"registration", "server", "why", "outcome", "duration", "attempts", "lifetime", "error"},
		"token calls work again": {"registration", "server", "why", "outcome", "duration", "attempts", "lifetime", "error"},
		"waited for a token":     {"registration", "wait", "error"},
		"token rejected":         {"registration", "status", "first"},
		"request sent again":     {"registration", "accepted", "error"},
		"request not sent again": {"registration", "error"},
		"envelope undecided":     {"registration", "error"},
		"record unreadable":      {"registration", "error"},
		"record trouble":         {"registration", "error"},
		"store fails":            {"error"},
		"store works again":      {},
		"circuit changed":        {"server", "from", "to"},
	}
	seen := map[string]bool{}
	for _, one := range all {
		message := strings.TrimPrefix(one["msg"].(string), "authtrip: ")
		attrs, ok := documented[message]
		if !ok {
			t.Errorf("%q is not documented", message)
		}
		seen[message] = true
		for key := range one {
			if key != "level" && key != "msg" && !slices.Contains(attrs, key) {
				t.Errorf("%q has %q, which is not documented", message, key)
			}
		}
	}
	for message := range documented {
		if !seen[message] && !strings.HasPrefix(message, "record ") {
			t.Errorf("%q was not written", message)
		}
	}
}

func TestALoggerHearsOfRecordsThatCannotBeOpenedOnce(t *testing.T) {
	r := &records{}
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		first := of(t, s.manager(t, authtrip.WithStore(store), sealedBy(1)), "ann")
		s.login(t, first, "ann")
		second := of(t, s.manager(t, authtrip.WithStore(store), sealedBy(2), authtrip.WithLogger(r.logger(slog.LevelInfo))), "ann")
		for range 10 {
			if _, err := second.Token(t.Context()); err == nil {
				t.Fatal("it was opened")
			}
			time.Sleep(time.Minute)
		}
		r.want(t, "WARN record unreadable")
	})
}

func TestNoLoggerIsSilent(t *testing.T) {
	old := slog.Default()
	r := &records{}
	slog.SetDefault(r.logger(slog.LevelDebug))
	defer slog.SetDefault(old)
	for _, o := range []authtrip.Option{authtrip.WithLogger(nil), nil} {
		src := newSource(t, registration(), o, authtrip.WithTokenTransport(&replies{bodies: []string{`no`}}))
		_, _ = src.Token(t.Context())
	}
	if r.text.Len() > 0 {
		t.Errorf("written: %s", r.text.String())
	}
}

// What a request is told of comes with its context, in which a handler finds the
// trace.
func TestALoggersHandlerGetsTheRequestsContext(t *testing.T) {
	type trace struct{}
	h := &contextHandler{key: trace{}}
	src := newSource(t, registration(), authtrip.WithLogger(slog.New(h)), authtrip.WithTokenTransport(&replies{bodies: []string{`{"access_token":"a"}`}}),
		authtrip.Hooks{TokenCallStart: func(flight, caller context.Context, _ authtrip.TokenCall) context.Context {
			return context.WithValue(flight, trace{}, caller.Value(trace{}))
		}})
	_, _ = src.Token(context.WithValue(t.Context(), trace{}, "mine"))
	if h.found != 2 {
		t.Errorf("%d records have it, want the call and the wait", h.found)
	}
}

type contextHandler struct {
	slog.Handler
	key   any
	mu    sync.Mutex
	found int // guarded by mu
}

func (h *contextHandler) Enabled(context.Context, slog.Level) bool { return true }
func (h *contextHandler) Handle(ctx context.Context, _ slog.Record) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if ctx.Value(h.key) == "mine" {
		h.found++
	}
	return nil
}
