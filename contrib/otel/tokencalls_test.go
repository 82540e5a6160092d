package authotel_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	authotel "github.com/authtrip/authtrip/contrib/otel"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

func TestATokenCallIsASpanOfItsOwnLinkedToTheRequestThatWaited(t *testing.T) {
	w := newWorld(t)
	ctx, span := w.span("request")
	w.mustGet(ctx, w.over(nil))
	span.End()

	call, request := w.one(tokenCall), w.one("request")
	if call.Parent.IsValid() || call.SpanContext.TraceID() == request.SpanContext.TraceID() {
		t.Error("the call is in the trace of one request, and others may wait for it too")
	}
	if call.SpanKind != trace.SpanKindClient || call.Status.Code != codes.Unset {
		t.Errorf("it is of kind %v, status %v", call.SpanKind, call.Status)
	}
	if call.InstrumentationScope.Name != authotel.ScopeName {
		t.Errorf("its scope is %q", call.InstrumentationScope.Name)
	}
	wantLinks(t, call, request)
	wantLinks(t, request, call)
	got := text(call.Attributes)
	want := fmt.Sprintf("authtrip.registration=nhn authtrip.token.lifetime=%s authtrip.token_call.attempts=1 authtrip.token_call.outcome=issued "+
		"authtrip.token_call.waiters=1 authtrip.token_call.why=first use server.address=127.0.0.1 server.port=%s",
		value(call.Attributes, "authtrip.token.lifetime"), w.cloud.AuthURL[strings.LastIndex(w.cloud.AuthURL, ":")+1:])
	if got != want {
		t.Errorf("its attributes are\n%s, want\n%s", got, want)
	}
}

// wantLinks expects links from a span to others and to no more.
func wantLinks(t *testing.T, from tracetest.SpanStub, to ...tracetest.SpanStub) {
	t.Helper()
	var got, want []string
	for _, l := range from.Links {
		got = append(got, l.SpanContext.SpanID().String())
	}
	for _, s := range to {
		want = append(want, s.SpanContext.SpanID().String())
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%q is linked to %v, want %v", from.Name, got, want)
	}
}

func TestACallIsLinkedToEveryRequestThatWaitedAndToThoseThatLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorldOf(t, []authtest.Option{authtest.InMemory()})
		w.cloud.Break(authtest.Fault{Delay: time.Second})
		var waiting sync.WaitGroup
		for i := range 20 {
			waiting.Go(func() {
				ctx, span := w.span("request")
				defer span.End()
				if i == 7 { // leaves, and its span is not over yet
					hasty, cancel := context.WithTimeout(ctx, time.Millisecond)
					defer cancel()
					if _, err := w.src.Token(hasty); err == nil {
						t.Error("it did not leave")
					}
					time.Sleep(2 * time.Second)
					return
				}
				if _, err := w.src.Token(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		waiting.Wait()

		call, requests := w.one(tokenCall), w.named("request")
		wantLinks(t, call, requests...)
		for _, r := range requests {
			wantLinks(t, r, call)
		}
		if got := value(call.Attributes, "authtrip.token_call.waiters"); got != "20" {
			t.Errorf("it has %s waiters, want 20", got)
		}
	})
}

func TestRequestsUnderOneSpanAreOneLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorldOf(t, []authtest.Option{authtest.InMemory()})
		w.cloud.Break(authtest.Fault{Delay: time.Second})
		ctx, span := w.span("batch")
		var waiting sync.WaitGroup
		for range 20 {
			waiting.Go(func() { _, _ = w.src.Token(ctx) })
		}
		waiting.Wait()
		span.End()
		wantLinks(t, w.one(tokenCall), w.one("batch"))
		wantLinks(t, w.one("batch"), w.one(tokenCall))
	})
}

// An SDK keeps 128 links and drops the first: that of the request which began
// the call must not be the one.
func TestACrowdDoesNotPushOutTheRequestThatBeganTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorldOf(t, []authtest.Option{authtest.InMemory()})
		w.cloud.Break(authtest.Fault{Delay: time.Second})
		var waiting sync.WaitGroup
		ask := func(name string) {
			waiting.Go(func() {
				ctx, span := w.span(name)
				defer span.End()
				_, _ = w.src.Token(ctx)
			})
			synctest.Wait()
		}
		ask("first")
		for range 200 {
			ask("request")
		}
		waiting.Wait()

		call, first := w.one(tokenCall), w.one("first")
		if len(call.Links) != 128 || call.DroppedLinks != 0 || call.Links[0].SpanContext.SpanID() != first.SpanContext.SpanID() {
			t.Errorf("it has %d links, %d were dropped", len(call.Links), call.DroppedLinks)
		}
		for _, r := range w.named("request") { // each can be followed from its end
			wantLinks(t, r, call)
		}
	})
}

func TestARenewalBehindRequestsIsLinkedToTheOneThatBeganIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorldOf(t, []authtest.Option{authtest.InMemory()})
		w.cloud.SetLifetime(time.Hour)
		w.mustToken()
		w.exporter.Reset()
		time.Sleep(45 * time.Minute)
		ctx, span := w.span("request")
		if _, err := w.src.Token(ctx); err != nil {
			t.Fatal(err)
		}
		span.End()
		synctest.Wait()

		call, request := w.one(tokenCall), w.one("request")
		wantLinks(t, call, request)
		wantLinks(t, request) // it did not wait
		if got := value(call.Attributes, "authtrip.token_call.why"); got != "stale" {
			t.Errorf("it was made since the token was %s", got)
		}
	})
}

func TestAFailedCallSaysHow(t *testing.T) {
	for name, c := range map[string]struct {
		fault     authtest.Fault
		errorType string
		outcome   string
		attempts  string
	}{
		"refused":       {authtest.Fault{Status: 400}, "invalid_request", "refused", "1"},
		"out of order":  {authtest.Fault{Status: 503}, "temporarily_unavailable", "failed", "3"},
		"a page":        {authtest.Fault{Status: 502, Body: "<html>"}, "502", "failed", "3"},
		"no token":      {authtest.Fault{Body: "{}"}, "invalid_reply", "", "1"},
		"reset":         {authtest.Fault{Reset: true}, "connection_reset", "failed", "3"},
		"no answer":     {authtest.Fault{Hang: true}, "timeout", "failed", ""},
		"invented code": {authtest.Fault{Status: 400, Body: `{"error":"x7f3"}`}, "400", "refused", "1"},
	} {
		t.Run(name, func(t *testing.T) {
			var policy authtrip.Policy
			if c.fault.Hang {
				policy.FetchTimeout = 100 * time.Millisecond
			}
			w := newWorld(t, policy)
			w.cloud.Break(c.fault)
			ctx, span := w.span("request")
			_, err := w.src.Token(ctx)
			span.End()
			if err == nil {
				t.Fatal("there was a token")
			}
			call := w.one(tokenCall)
			if got := value(call.Attributes, "error.type"); got != c.errorType {
				t.Errorf("error.type is %q, want %q, of %v", got, c.errorType, err)
			}
			if call.Status.Code != codes.Error || call.Status.Description == "" {
				t.Errorf("its status is %v", call.Status)
			}
			if got := value(call.Attributes, "authtrip.token_call.outcome"); c.outcome != "" && got != c.outcome {
				t.Errorf("the outcome is %q, want %q", got, c.outcome)
			}
			if got := value(call.Attributes, "authtrip.token_call.attempts"); c.attempts != "" && got != c.attempts {
				t.Errorf("%s attempts, want %s", got, c.attempts)
			}
			waited := eventNamed(t, w.one("request"), "authtrip.token.waited")
			if got := value(waited.Attributes, "error.type"); got != c.errorType {
				t.Errorf("the request's event has error.type %q, want %q", got, c.errorType)
			}
		})
	}
}

func TestNothingIsLinkedThatIsNotExported(t *testing.T) {
	for name, c := range map[string]struct{ calls, requests sdktrace.Sampler }{
		"the call is not sampled":    {sdktrace.NeverSample(), sdktrace.AlwaysSample()},
		"the request is not sampled": {sdktrace.AlwaysSample(), sdktrace.NeverSample()},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTelemetry(t)
			calls := sdktrace.NewTracerProvider(sdktrace.WithSyncer(w.exporter), sdktrace.WithSampler(c.calls))
			w.tracers = sdktrace.NewTracerProvider(sdktrace.WithSyncer(w.exporter), sdktrace.WithSampler(c.requests))
			var err error
			if w.tel, err = authotel.New(authotel.WithMeterProvider(w.meters), authotel.WithTracerProvider(calls)); err != nil {
				t.Fatal(err)
			}
			all := &world{telemetry: w, cloud: authtest.NewNHN()}
			t.Cleanup(all.cloud.Close)
			all.src = all.source()
			ctx, span := w.span("request")
			all.mustGet(ctx, all.over(nil))
			span.End()
			spans := w.exporter.GetSpans()
			if len(spans) != 1 || len(spans[0].Links) != 0 {
				t.Errorf("exported were %d spans: %+v", len(spans), spans)
			}
		})
	}
}

func TestAWaiterThatIsNotExportedIsNotLinked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorldOf(t, []authtest.Option{authtest.InMemory()})
		w.cloud.Break(authtest.Fault{Delay: time.Second})
		ctx, span := w.span("first")
		unsampled, other := sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.NeverSample())).Tracer("program").Start(context.Background(), "second")
		var waiting sync.WaitGroup
		waiting.Go(func() { _, _ = w.src.Token(ctx) })
		synctest.Wait()
		waiting.Go(func() { _, _ = w.src.Token(unsampled) })
		waiting.Wait()
		span.End()
		other.End()
		wantLinks(t, w.one(tokenCall), w.one("first"))
		if got := value(w.one(tokenCall).Attributes, "authtrip.token_call.waiters"); got != "2" {
			t.Errorf("it has %s waiters, want 2", got)
		}
	})
}

func TestTwoTelemetriesDoNotEndEachOthersSpans(t *testing.T) {
	w := newWorld(t)
	other := newTelemetry(t)
	w.src = w.source(other.tel.Hooks())
	w.mustToken()
	inner, outer := w.one(tokenCall), other.one(tokenCall)
	if inner.Parent.SpanID() != outer.SpanContext.SpanID() {
		t.Error("that of the later hooks is not under that of the earlier")
	}
	for _, s := range []tracetest.SpanStub{inner, outer} {
		if value(s.Attributes, "authtrip.token_call.outcome") != "issued" {
			t.Errorf("a span has the attributes %s", text(s.Attributes))
		}
	}
}

func eventNamed(t *testing.T, s tracetest.SpanStub, name string) sdktrace.Event {
	t.Helper()
	var all []sdktrace.Event
	for _, e := range s.Events {
		if e.Name == name {
			all = append(all, e)
		}
	}
	if len(all) != 1 {
		t.Fatalf("%q has %d events %q, want 1: %+v", s.Name, len(all), name, s.Events)
	}
	return all[0]
}
