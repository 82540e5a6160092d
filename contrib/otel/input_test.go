package authotel_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/authtrip/authtrip"
	authotel "github.com/authtrip/authtrip/contrib/otel"
	"github.com/authtrip/authtrip/nhn"
	"go.opentelemetry.io/otel/codes"
)

func TestATelemetryThatNewDidNotMakeShowsNothing(t *testing.T) {
	for name, tel := range map[string]*authotel.Telemetry{"nil": nil, "zero": {}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, tel.Hooks())
			w.mustToken()
			if err := tel.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestResendCountsOfNoProviderAreThoseOfTheGlobalOne(t *testing.T) {
	_, span := authotel.ResendCounts(nil).Tracer("program").Start(t.Context(), "request")
	span.End()
}

func TestAnInstrumentThatReturnsNothingInstrumentsNothing(t *testing.T) {
	base := roundTripper(func(*http.Request) (*http.Response, error) { return reply("{}"), nil })
	rt := authotel.TokenTransport(base, func(http.RoundTripper) http.RoundTripper { return nil })
	req, err := http.NewRequest(http.MethodGet, "http://127.0.0.1:1/token?code=c", nil)
	if err != nil {
		t.Fatal(err)
	}
	if res, err := rt.RoundTrip(req); err != nil || res.StatusCode != 200 {
		t.Fatal(err)
	}
}

// A token call without its query would be another.
func TestAnInstrumentationWithAContextOfItsOwnIsRefused(t *testing.T) {
	sent, closed := 0, false
	base := roundTripper(func(*http.Request) (*http.Response, error) { sent++; return reply("{}"), nil })
	rt := authotel.TokenTransport(base, func(base http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			return base.RoundTrip(r.WithContext(context.Background()))
		})
	})
	req, err := http.NewRequest(http.MethodPost, "http://127.0.0.1:1/token?code=c", &closes{strings.NewReader("body"), &closed})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rt.RoundTrip(req); err == nil || !strings.Contains(err.Error(), "context") || sent != 0 {
		t.Fatalf("%d were sent, the error is %v", sent, err)
	}
	if !closed {
		t.Error("the body is open")
	}
}

type closes struct {
	*strings.Reader
	closed *bool
}

func (c *closes) Close() error { *c.closed = true; return nil }

// A span that was begun ends, whatever hooks come later.
func TestASpanEndsAlsoWhereALaterHookFails(t *testing.T) {
	for name, later := range map[string]func(context.Context, context.Context, authtrip.TokenCall) context.Context{
		"panics":          func(context.Context, context.Context, authtrip.TokenCall) context.Context { panic("oh") },
		"returns nothing": func(context.Context, context.Context, authtrip.TokenCall) context.Context { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			src, err := nhn.NewSource(w.cloud.Credentials(), append(w.cloud.Options(), nhn.With(w.tel.Hooks(), authtrip.Hooks{TokenCallStart: later}))...)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = src.Close() }()
			if _, err := src.Token(t.Context()); err == nil {
				t.Fatal("there is a token")
			}
			if span := w.one(tokenCall); span.Status.Code != codes.Error {
				t.Errorf("its status is %v", span.Status)
			}
		})
	}
}
