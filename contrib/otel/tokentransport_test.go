package authotel_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	authotel "github.com/authtrip/authtrip/contrib/otel"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/codes"
)

// instrumented is an otelhttp.Transport around base, as users write it.
func (w *telemetry) instrumented(options ...otelhttp.Option) func(http.RoundTripper) http.RoundTripper {
	return func(base http.RoundTripper) http.RoundTripper { return w.otelhttp(base, options...) }
}

func TestTheExchangeOfATokenCallIsUnderItsSpan(t *testing.T) {
	for name, c := range map[string]struct {
		rt func(*telemetry) http.RoundTripper
	}{
		"otelhttp":                        {func(w *telemetry) http.RoundTripper { return w.otelhttp(nil) }},
		"otelhttp, with a TracerProvider": {func(w *telemetry) http.RoundTripper { return w.otelhttp(nil, w.withTracers()) }},
		"otelhttp in a TokenTransport":    {func(w *telemetry) http.RoundTripper { return authotel.TokenTransport(nil, w.instrumented()) }},
		"a TokenTransport of another provider": {func(w *telemetry) http.RoundTripper {
			return authotel.TokenTransport(http.DefaultTransport, w.instrumented(w.withTracers()))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{telemetry: newTelemetry(t), cloud: authtest.NewNHN()}
			t.Cleanup(w.cloud.Close)
			w.src = w.source(authtrip.WithTokenTransport(c.rt(w.telemetry)))
			w.cloud.Break(authtest.Fault{Status: 503, Times: 1})
			w.mustToken()

			call := w.one(tokenCall)
			exchanges := w.named("HTTP POST")
			if len(exchanges) != 2 {
				t.Fatalf("%d exchanges, want 2", len(exchanges))
			}
			for i, e := range exchanges {
				if e.Parent.SpanID() != call.SpanContext.SpanID() || e.SpanContext.TraceID() != call.SpanContext.TraceID() {
					t.Error("an exchange is not under the call")
				}
				if got, want := value(e.Attributes, "http.response.status_code"), []string{"503", "200"}[i]; got != want {
					t.Errorf("exchange %d has status %s, want %s", i, got, want)
				}
				if got := value(e.Attributes, "url.full"); got != w.cloud.AuthURL+"/oauth2/token/create" {
					t.Errorf("its URL is %q", got)
				}
			}
			if got := value(call.Attributes, "authtrip.token_call.attempts"); got != "2" {
				t.Errorf("%s attempts, want 2", got)
			}
		})
	}
}

// PRISM's token calls have the code in their query.
func TestATokenTransportHidesTheQuery(t *testing.T) {
	for name, c := range map[string]struct {
		rt    func(*telemetry, http.RoundTripper) http.RoundTripper
		shown bool
	}{
		"otelhttp as it comes": {func(w *telemetry, base http.RoundTripper) http.RoundTripper { return w.otelhttp(base) }, true},
		"in a TokenTransport": {func(w *telemetry, base http.RoundTripper) http.RoundTripper {
			return authotel.TokenTransport(base, w.instrumented())
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTelemetry(t)
			live := authtest.NewPRISM()
			defer live.Close()
			src := w.prism(live, authtrip.WithTokenTransport(c.rt(w, live.Transport())))
			code := live.Code("user-42")
			if err := src.ExchangeCode(t.Context(), code, nil); err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(w.everything(), url.QueryEscape(code)); got != c.shown {
				t.Errorf("a span shows the code: %v, want %v", got, c.shown)
			}
			e := w.one("HTTP GET")
			if !c.shown && strings.Contains(value(e.Attributes, "url.full"), "?") {
				t.Errorf("the URL is %s", value(e.Attributes, "url.full"))
			}
			if e.Parent.SpanID() != w.one("token call prism").SpanContext.SpanID() {
				t.Error("the exchange is not under the call")
			}
		})
	}
}

// net/http repeats in its errors what a server sent, and otelhttp exports errors.
func TestATokenTransportHidesTheTextOfErrors(t *testing.T) {
	w := newTelemetry(t)
	cause := &net.OpError{Op: "read", Err: errors.New(`malformed HTTP response "the secret, repeated"`)}
	fails := roundTripper(func(*http.Request) (*http.Response, error) { return nil, cause })
	req, err := http.NewRequest(http.MethodGet, "http://127.0.0.1:1/token?code=c", nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, around := range map[string]func(http.RoundTripper) http.RoundTripper{
		"otelhttp": w.instrumented(w.withTracers()),
		"one that adds to an error": func(base http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				res, err := base.RoundTrip(r)
				return res, fmt.Errorf("around: %w", err)
			})
		},
	} {
		_, err = authotel.TokenTransport(fails, around).RoundTrip(req)
		if err != error(cause) {
			t.Errorf("%s: authtrip gets %v, want the error as it was", name, err)
		}
	}
	if strings.Contains(w.everything(), "repeated") {
		t.Error("a span shows what the server sent")
	}
	if e := w.one("HTTP GET"); e.Status.Code != codes.Error || value(e.Attributes, "error.type") == "" {
		t.Errorf("the exchange's status is %v, its attributes %s", e.Status, text(e.Attributes))
	}
}

func TestATokenTransportSendsWhatItWasGiven(t *testing.T) {
	var got *http.Request
	base := roundTripper(func(r *http.Request) (*http.Response, error) {
		got = r
		return &http.Response{StatusCode: 200, Body: http.NoBody, Request: r}, nil
	})
	w := newTelemetry(t)
	for _, u := range []string{"http://127.0.0.1:1/token?code=a%2Bb&x", "http://127.0.0.1:1/token?", "http://127.0.0.1:1/token"} {
		req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, u, strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		res, err := authotel.TokenTransport(base, w.instrumented()).RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		if got.URL.String() != u || req.URL.String() != u {
			t.Errorf("%s was sent as %s, and is %s now", u, got.URL, req.URL)
		}
		if res.Request != req {
			t.Error("the response is of another request")
		}
	}
	if rt := authotel.TokenTransport(base, nil); fmt.Sprintf("%p", rt) != fmt.Sprintf("%p", base) {
		t.Error("without an instrumentation it is more than base")
	}
}

// A connection that is kept may die, and net/http then sends a code again.
func TestATokenTransportKeepsNoConnection(t *testing.T) {
	closes := make(chan bool, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { closes <- r.Close }))
	defer server.Close()
	req, err := http.NewRequest(http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := authotel.TokenTransport(nil, newTelemetry(t).instrumented()).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if !<-closes {
		t.Error("the connection was to be kept")
	}
}
