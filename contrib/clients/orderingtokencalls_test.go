package clients_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/nhn"
	"github.com/authtrip/authtrip/prism"
)

// carrySpan puts the span of the request that needs a token on the token call.
var carrySpan = authtrip.Hooks{TokenCallStart: func(flight, caller context.Context, _ authtrip.TokenCall) context.Context {
	return trace.ContextWithSpan(flight, trace.SpanFromContext(caller))
}}

func TestATokenCallIsInTheCallersTraceOnlyIfTheHookPutsItThere(t *testing.T) {
	for name, c := range map[string]struct {
		traced bool // the token calls' transport is otelhttp's
		hooks  authtrip.Hooks
		spans  int
		inside bool
	}{
		"by default there is no span":                     {false, authtrip.Hooks{}, 0, false},
		"the hook alone makes none":                       {false, carrySpan, 0, false},
		"WithTokenTransport alone makes one of its own":   {true, authtrip.Hooks{}, 1, false},
		"WithTokenTransport and the hook put it in there": {true, carrySpan, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			inOrder(t, nil, func(t *testing.T, o *ordering) {
				seen := newSpans(t)
				var tokenCalls http.RoundTripper = o.cloud.Transport()
				if c.traced {
					tokenCalls = otelhttp.NewTransport(tokenCalls, seen.options()...)
				}
				src, err := nhn.NewSource(o.cloud.Credentials(), append(o.cloud.Options(), nhn.With(authtrip.WithTokenTransport(tokenCalls), c.hooks))...)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = src.Close() }()
				o.src = src

				ctx, span := seen.callers()
				client := &http.Client{Transport: otelhttp.NewTransport(o.over(o.wire), seen.options()...)}
				status, _, err := read(client.Do(o.request(ctx, http.MethodGet, "")))
				span.End()
				if status != 200 || err != nil {
					t.Fatalf("the caller got %d, %v", status, err)
				}

				calls, own := seen.named("HTTP POST"), seen.named(clientSpan)
				if len(calls) != c.spans || len(own) != 1 {
					t.Fatalf("%d spans of token calls and %d of requests, want %d and 1", len(calls), len(own), c.spans)
				}
				for _, call := range calls {
					if got := isUnder(call, own[0]); got != c.inside {
						t.Errorf("the token call is under the request: %v, want %v", got, c.inside)
					}
				}
				tok, err := src.Token(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				secret := o.cloud.Credentials().SecretAccessKey.Reveal()
				if seen.show(tok.AccessToken(), secret, url.QueryEscape(secret)) {
					t.Error("a span shows the token or the client's secret")
				}
			})
		})
	}
}

func isUnder(span, parent tracetest.SpanStub) bool {
	return span.Parent.TraceID() == parent.SpanContext.TraceID() && span.Parent.SpanID() == parent.SpanContext.SpanID()
}

// TestOtelhttpOfTokenCallsShowsWhatTheirQueryHolds: PRISM's hold the code and
// the refresh token, and otelhttp exports URLs whole. A filter leaves out such
// calls.
func TestOtelhttpOfTokenCallsShowsWhatTheirQueryHolds(t *testing.T) {
	noQuery := otelhttp.WithFilter(func(r *http.Request) bool { return r.URL.RawQuery == "" })
	for name, c := range map[string]struct {
		options []otelhttp.Option
		shown   bool
	}{
		"as it comes":                     {nil, true},
		"with a filter of calls with one": {[]otelhttp.Option{noQuery}, false},
	} {
		t.Run(name, func(t *testing.T) {
			live := authtest.NewPRISM()
			defer live.Close()
			seen := newSpans(t)
			mgr, err := authtrip.NewManager([]authtrip.Registration{prism.Registration(live.Client())}, append(live.Options(),
				authtrip.WithTokenTransport(otelhttp.NewTransport(live.Transport(), seen.options(c.options...)...)))...)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = mgr.Close() }()
			src, err := mgr.SourceFor("prism", "user-42")
			if err != nil {
				t.Fatal(err)
			}
			code := live.Code("user-42")
			if err := src.ExchangeCode(t.Context(), code, nil); err != nil {
				t.Fatal(err)
			}
			if got := seen.show(code, url.QueryEscape(code)); got != c.shown {
				t.Errorf("a span shows the code: %v, want %v", got, c.shown)
			}
		})
	}
}
