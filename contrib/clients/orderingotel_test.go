package clients_test

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"slices"
	"testing"

	"go.opentelemetry.io/contrib/instrumentation/net/http/httptrace/otelhttptrace"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/codes"

	"github.com/authtrip/authtrip/nhn"
)

const clientSpan = "HTTP GET"

// traced sends a request under a span of the caller's, whose token was revoked.
// It returns that span's traceparent, and the tokens that were sent.
func (o *ordering) traced(seen *spans, rt http.RoundTripper) (callers string, tokens []string) {
	o.t.Helper()
	first := o.withToken()
	o.cloud.RevokeAll()
	ctx, span := seen.callers()
	status, _, err := read((&http.Client{Transport: rt}).Do(o.request(ctx, http.MethodGet, "")))
	span.End()
	if status != 200 || err != nil {
		o.t.Fatalf("the caller got %d, %v", status, err)
	}
	o.wantSends(401, 200)
	return traceparent(seen.named("the caller's own")[0]), []string{first, o.withToken()}
}

func (o *ordering) traceparents() (values []string) {
	for _, s := range o.wire.all() {
		values = append(values, s.header.Get("Traceparent"))
	}
	return values
}

func TestOtelhttpOutsideShowsOneSpanForACall(t *testing.T) {
	inOrder(t, nil, func(t *testing.T, o *ordering) {
		seen := newSpans(t)
		_, tokens := o.traced(seen, otelhttp.NewTransport(o.over(o.wire), seen.options()...))

		calls := seen.named(clientSpan)
		if len(calls) != 1 || status(calls[0]) != 200 || calls[0].Status.Code == codes.Error {
			t.Fatalf("the spans are %+v, want one with 200: the replay does not show", calls)
		}
		// Both sends belong to it.
		if got, want := o.traceparents(), []string{traceparent(calls[0]), traceparent(calls[0])}; !slices.Equal(got, want) {
			t.Errorf("sent with the trace context %v, want %v", got, want)
		}
		if seen.show(tokens...) {
			t.Error("a span shows a token")
		}
	})
}

func TestOtelhttpInsideShowsASpanForEachSend(t *testing.T) {
	inOrder(t, nil, func(t *testing.T, o *ordering) {
		seen := newSpans(t)
		callers, tokens := o.traced(seen, o.over(otelhttp.NewTransport(o.wire, seen.options()...)))

		sends := seen.named(clientSpan)
		if len(sends) != 2 || status(sends[0]) != 401 || status(sends[1]) != 200 {
			t.Fatalf("the spans are %+v, want one with 401 and one with 200", sends)
		}
		// Each send belongs to its span, both spans to the caller's.
		if got, want := o.traceparents(), []string{traceparent(sends[0]), traceparent(sends[1])}; !slices.Equal(got, want) {
			t.Errorf("sent with the trace context %v, want %v", got, want)
		}
		for _, s := range sends {
			parent := s
			parent.SpanContext = s.Parent
			if traceparent(parent) != callers {
				t.Errorf("the span with %d is not under the caller's", status(s))
			}
		}
		if seen.show(tokens...) {
			t.Error("a span shows a token")
		}
	})
}

func TestOtelhttpOutsideShowsThatNoTokenCouldBeHadAndInsideDoesNot(t *testing.T) {
	inOrder(t, nil, func(t *testing.T, o *ordering) {
		o.openCircuit()
		seen := newSpans(t)
		_, _, err := o.get(otelhttp.NewTransport(o.over(o.wire), seen.options()...))
		if calls := seen.named(clientSpan); err == nil || len(calls) != 1 || calls[0].Status.Code != codes.Error || !seen.show("circuit open") {
			t.Errorf("outside, the spans are %+v for %v", calls, err)
		}
		if seen.show(o.cloud.Credentials().SecretAccessKey.Reveal()) {
			t.Error("a span shows the client's secret")
		}

		seen = newSpans(t)
		_, _, err = o.get(o.over(otelhttp.NewTransport(o.wire, seen.options()...)))
		if calls := seen.named(clientSpan); err == nil || len(calls) != 0 {
			t.Errorf("inside, the spans are %+v for %v; want none, for nothing was sent", calls, err)
		}
	})
}

// TestOtelhttptraceShowsACustomHeaderUnlessItIsTold: an httptrace, which a
// request's context carries in either order, sees what is written. This one
// knows Authorization to be secret, and no header of NHN Cloud's.
func TestOtelhttptraceShowsACustomHeaderUnlessItIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		options []otelhttptrace.ClientTraceOption
		shown   bool
	}{
		"as it comes":         {nil, true},
		"WithRedactedHeaders": {[]otelhttptrace.ClientTraceOption{otelhttptrace.WithRedactedHeaders(nhn.HeaderAuthentication, nhn.HeaderAuthorization)}, false},
		"WithoutHeaders":      {[]otelhttptrace.ClientTraceOption{otelhttptrace.WithoutHeaders()}, false},
	} {
		for order, rt := range map[string]func(*ordering, ...otelhttp.Option) http.RoundTripper{
			"outside": func(o *ordering, options ...otelhttp.Option) http.RoundTripper {
				return otelhttp.NewTransport(o.over(o.wire), options...)
			},
			"inside": func(o *ordering, options ...otelhttp.Option) http.RoundTripper {
				return o.over(otelhttp.NewTransport(o.wire, options...))
			},
		} {
			t.Run(name+", "+order, func(t *testing.T) {
				inOrder(t, nil, func(t *testing.T, o *ordering) {
					seen := newSpans(t)
					_, tokens := o.traced(seen, rt(o, seen.options(otelhttp.WithClientTrace(func(ctx context.Context) *httptrace.ClientTrace {
						return otelhttptrace.NewClientTrace(ctx, c.options...)
					}))...))
					if got := seen.show(tokens...); got != c.shown {
						t.Errorf("a span shows a token: %v, want %v", got, c.shown)
					}
				})
			})
		}
	}
}
