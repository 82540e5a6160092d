package authotel_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"

	authotel "github.com/authtrip/authtrip/contrib/otel"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

const resendCount = attribute.Key("http.request.resend_count")

// sends are the spans of otelhttp, of which each is shown as its status and its
// resend count: "401, 200 resent 1".
func sends(w *world) (all []string) {
	for _, s := range w.named("HTTP GET") {
		shown := value(s.Attributes, "http.response.status_code")
		if n := value(s.Attributes, resendCount); n != "" {
			shown += " resent " + n
		}
		all = append(all, shown)
	}
	return all
}

func TestTheSendThatIsTheSecondSaysSo(t *testing.T) {
	for name, c := range map[string]struct {
		rt   func(w *world) http.RoundTripper
		root bool // the request's context has no span
		want string
	}{
		"otelhttp inside": {func(w *world) http.RoundTripper {
			return w.over(w.otelhttp(nil))
		}, false, "[401 200 resent 1]"},
		"otelhttp inside, with a TracerProvider": {func(w *world) http.RoundTripper {
			return w.over(w.otelhttp(nil, otelhttp.WithTracerProvider(authotel.ResendCounts(w.tracers))))
		}, false, "[401 200 resent 1]"},
		"otelhttp inside, with a TracerProvider, no span around": {func(w *world) http.RoundTripper {
			return w.over(w.otelhttp(nil, otelhttp.WithTracerProvider(authotel.ResendCounts(w.tracers))))
		}, true, "[401 200 resent 1]"},
		"otelhttp outside": {func(w *world) http.RoundTripper {
			return w.otelhttp(w.over(nil), w.withTracers())
		}, false, "[200 resent 1]"},
		"otelhttp outside, no span around": {func(w *world) http.RoundTripper {
			return w.otelhttp(w.over(nil), w.withTracers())
		}, true, "[200 resent 1]"},
		"both": {func(w *world) http.RoundTripper {
			return w.otelhttp(w.over(w.otelhttp(nil)), w.withTracers())
		}, false, "[401 200 resent 1 200 resent 1]"},
		"both, with a TracerProvider": {func(w *world) http.RoundTripper {
			return w.otelhttp(w.over(w.otelhttp(nil, otelhttp.WithTracerProvider(authotel.ResendCounts(w.tracers)))), w.withTracers())
		}, false, "[401 200 resent 1 200 resent 1]"},
		// What users see who do not read the documentation.
		"otelhttp inside, with a bare TracerProvider": {func(w *world) http.RoundTripper {
			return w.over(w.otelhttp(nil, w.withTracers()))
		}, false, "[401 200]"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.mustToken()
			w.cloud.RevokeAll()
			ctx := context.Background()
			callers := trace.SpanFromContext(ctx)
			if !c.root {
				ctx, callers = w.span("the caller's own")
			}
			rt := c.rt(w)
			w.mustGet(ctx, rt)
			if got := fmt.Sprint(sends(w)); got != c.want {
				t.Errorf("the sends are %s, want %s", got, c.want)
			}

			w.exporter.Reset() // and a request that is sent once is none of it
			w.mustGet(ctx, rt)
			for _, s := range w.named("HTTP GET") {
				if value(s.Attributes, resendCount) != "" {
					t.Error("a request that was sent once says that it was resent")
				}
			}
			callers.End()
			if !c.root {
				if own := w.one("the caller's own"); value(own.Attributes, resendCount) != "" {
					t.Error("a span of the caller's own says that it was resent")
				}
			}
		})
	}
}

// Not even one that looks like a client's, or that of a server of HTTP in which
// the request is sent.
func TestACallersSpanIsNotTouched(t *testing.T) {
	method := trace.WithAttributes(attribute.String("http.request.method", "GET"))
	for name, options := range map[string][]trace.SpanStartOption{
		"a client's that knows of no HTTP": {trace.WithSpanKind(trace.SpanKindClient)},
		"a server's":                       {trace.WithSpanKind(trace.SpanKindServer), method},
		"the program's":                    {method},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.mustToken()
			w.cloud.RevokeAll()
			ctx, span := w.tracers.Tracer("program").Start(context.Background(), "its own", options...)
			w.mustGet(ctx, w.over(nil))
			span.End()
			if got := value(w.one("its own").Attributes, resendCount); got != "" {
				t.Errorf("it has a resend count of %s", got)
			}
		})
	}
}

// A span that some transport makes between ours and otelhttp is of the program's
// own, too, and the send below it is the second all the same.
func TestASpanBetweenIsNotTheSend(t *testing.T) {
	w := newWorld(t)
	w.mustToken()
	w.cloud.RevokeAll()
	inner := w.otelhttp(nil)
	between := roundTripper(func(r *http.Request) (*http.Response, error) {
		ctx, span := trace.SpanFromContext(r.Context()).TracerProvider().Tracer("between").Start(r.Context(), "between")
		defer span.End()
		return inner.RoundTrip(r.WithContext(ctx))
	})
	ctx, span := w.span("the caller's own")
	w.mustGet(ctx, w.over(between))
	span.End()
	if got := fmt.Sprint(sends(w)); got != "[401 200 resent 1]" {
		t.Errorf("the sends are %s", got)
	}
	for _, s := range w.named("between") {
		if value(s.Attributes, resendCount) != "" {
			t.Error("a span that is no send has a resend count")
		}
	}
}

func TestTheSecondSendIsWhereItWouldBeAnyway(t *testing.T) {
	w := newWorld(t)
	w.mustToken()
	w.cloud.RevokeAll()
	ctx, span := w.span("the caller's own")
	w.mustGet(ctx, w.over(w.otelhttp(nil)))
	span.End()
	own := w.one("the caller's own")
	for _, s := range w.named("HTTP GET") {
		if s.Parent.SpanID() != own.SpanContext.SpanID() || s.InstrumentationScope.Name != otelhttp.ScopeName {
			t.Errorf("a send is under %v, made by %s", s.Parent.SpanID(), s.InstrumentationScope.Name)
		}
	}
	if own.ChildSpanCount != 2 {
		t.Errorf("the caller's span has %d spans under it, want 2: the SDK did not know its own", own.ChildSpanCount)
	}
}

// Below the span of the send everything is as it is elsewhere: an exchange's
// parts, as otelhttptrace shows them, are not resent requests.
func TestOnlyTheSendItselfSaysIt(t *testing.T) {
	w := newWorld(t)
	w.mustToken()
	w.cloud.RevokeAll()
	parts := roundTripper(func(r *http.Request) (*http.Response, error) {
		_, span := trace.SpanFromContext(r.Context()).TracerProvider().Tracer("parts").
			Start(r.Context(), "a part", trace.WithSpanKind(trace.SpanKindClient))
		defer span.End()
		return http.DefaultTransport.RoundTrip(r)
	})
	ctx, span := w.span("the caller's own")
	w.mustGet(ctx, w.over(w.otelhttp(parts)))
	span.End()
	for _, s := range w.named("a part") {
		if value(s.Attributes, resendCount) != "" {
			t.Error("a part of the exchange has a resend count")
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// With nothing but the global provider, as most programs are, and no span around.
func TestTheGlobalProviderCanBeMarkedToo(t *testing.T) {
	w := newWorld(t)
	w.mustToken()
	w.cloud.RevokeAll()
	globalTracers(t, w)
	w.mustGet(context.Background(), w.over(w.otelhttp(nil)))
	if got := fmt.Sprint(sends(w)); got != "[401 200 resent 1]" {
		t.Errorf("the sends are %s", got)
	}
}

// globalTracers sets the global provider, which no test can take back.
func globalTracers(t *testing.T, w *world) {
	t.Helper()
	old := otel.GetTracerProvider()
	otel.SetTracerProvider(authotel.ResendCounts(w.tracers))
	t.Cleanup(func() { otel.SetTracerProvider(old) })
}

func TestManyReplaysAtOnceAreEachMarked(t *testing.T) {
	w := newWorld(t)
	w.mustToken()
	w.cloud.RevokeAll()
	rt := w.over(w.otelhttp(nil))
	var all sync.WaitGroup
	for range 30 {
		all.Go(func() {
			ctx, span := w.span("request")
			defer span.End()
			if status, err := w.get(ctx, rt); status != 200 || err != nil {
				t.Errorf("the caller got %d, %v", status, err)
			}
		})
	}
	all.Wait()
	byParent := map[trace.SpanID]tracetest.SpanStubs{}
	for _, s := range w.named("HTTP GET") {
		byParent[s.Parent.SpanID()] = append(byParent[s.Parent.SpanID()], s)
	}
	for _, sends := range byParent {
		if len(sends) == 2 && (value(sends[0].Attributes, resendCount) != "" || value(sends[1].Attributes, resendCount) != "1") {
			t.Error("a replay is not marked, or what came before it is")
		}
	}
}

// A caller that sends again by itself counts better.
func TestACountThatIsThereStays(t *testing.T) {
	three := trace.WithAttributes(attribute.Int("http.request.resend_count", 3))
	for name, c := range map[string]struct {
		outside []trace.SpanStartOption
		inside  []trace.SpanStartOption
		of      string
	}{
		"outside": {[]trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attribute.String("http.request.method", "GET")), three}, nil, "request"},
		"inside":  {nil, []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindClient), three}, "send"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTelemetry(t)
			tracer := authotel.ResendCounts(w.tracers).Tracer("program")
			ctx, span := tracer.Start(t.Context(), "request", c.outside...)
			_, send := tracer.Start(w.tel.Hooks().ReplayStart(ctx, "nhn"), "send", c.inside...)
			send.End()
			span.End()
			if got := value(w.one(c.of).Attributes, resendCount); got != "3" {
				t.Errorf("the count is %s, want 3", got)
			}
		})
	}
}
