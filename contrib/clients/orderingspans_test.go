package clients_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// spans are what is exported of a program's traces.
type spans struct {
	provider *sdktrace.TracerProvider
	exporter *tracetest.InMemoryExporter
}

func newSpans(t *testing.T) *spans {
	exporter := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
	t.Cleanup(func() { _ = provider.Shutdown(context.Background()) })
	return &spans{provider, exporter}
}

// options are those of an otelhttp.Transport that exports here.
func (s *spans) options(more ...otelhttp.Option) []otelhttp.Option {
	return append([]otelhttp.Option{otelhttp.WithTracerProvider(s.provider), otelhttp.WithPropagators(propagation.TraceContext{})}, more...)
}

// callers begins a span of the program's own.
func (s *spans) callers() (context.Context, trace.Span) {
	return s.provider.Tracer("program").Start(context.Background(), "the caller's own")
}

// named returns the spans that ended so far under a name, first ended first.
func (s *spans) named(name string) tracetest.SpanStubs {
	return slices.DeleteFunc(s.exporter.GetSpans(), func(span tracetest.SpanStub) bool { return span.Name != name })
}

// status is that of the HTTP response that a span tells of, or 0.
func status(span tracetest.SpanStub) int {
	for _, a := range span.Attributes {
		if a.Key == "http.response.status_code" {
			return int(a.Value.AsInt64())
		}
	}
	return 0
}

// show reports whether a span holds one of the texts, wherever.
func (s *spans) show(texts ...string) bool {
	var all []string
	add := func(attributes []attribute.KeyValue) {
		for _, a := range attributes {
			all = append(all, string(a.Key), a.Value.String())
		}
	}
	for _, span := range s.exporter.GetSpans() {
		all = append(all, span.Name, span.Status.Description, span.SpanContext.TraceState().String())
		add(span.Attributes)
		for _, e := range span.Events {
			all = append(all, e.Name)
			add(e.Attributes)
		}
	}
	return slices.ContainsFunc(texts, func(text string) bool {
		return text != "" && slices.ContainsFunc(all, func(s string) bool { return strings.Contains(s, text) })
	})
}

// traceparent is what a span puts on the requests under it.
func traceparent(span tracetest.SpanStub) string {
	return fmt.Sprintf("00-%s-%s-01", span.SpanContext.TraceID(), span.SpanContext.SpanID())
}
