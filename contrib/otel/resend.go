package authotel

import (
	"context"
	"slices"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// An instrumentation inside the Transport makes a span for each send, and the
// second should say http.request.resend_count. Nobody but the instrumentation
// gets to see that span, and it asks the span around for whoever makes spans: so
// the request that is sent again has, in its context, its span in a disguise
// which adds the attribute to the first span of a client that is made under it.

// ResendCounts returns p for an instrumentation inside a Transport that is given
// a TracerProvider: spans of requests that are sent again get the attribute
// http.request.resend_count.
//
//	Base: otelhttp.NewTransport(base, otelhttp.WithTracerProvider(authotel.ResendCounts(p)))
//
// An otelhttp.Transport without WithTracerProvider needs this only for requests
// whose context has no span. Nil is the global provider.
func ResendCounts(p trace.TracerProvider) trace.TracerProvider {
	if p == nil {
		p = otel.GetTracerProvider()
	}
	return resendProvider{p}
}

// markResend returns a context that says that its request is sent again.
func markResend(ctx context.Context, span trace.Span) context.Context {
	if _, marked := span.(resent); marked {
		return ctx
	}
	return trace.ContextWithSpan(ctx, resent{span})
}

// resent is the span around a request that is sent again.
type resent struct{ trace.Span }

func (s resent) TracerProvider() trace.TracerProvider { return resendProvider{s.Span.TracerProvider()} }

type resendProvider struct{ trace.TracerProvider }

func (p resendProvider) Tracer(name string, options ...trace.TracerOption) trace.Tracer {
	return resendTracer{p.TracerProvider.Tracer(name, options...)}
}

type resendTracer struct{ trace.Tracer }

// Start takes the disguise off, so that whatever is below a client's span sees
// what it is used to; another span is between, and has it from then on.
func (t resendTracer) Start(ctx context.Context, name string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	s, ok := trace.SpanFromContext(ctx).(resent)
	if !ok {
		return t.Tracer.Start(ctx, name, options...)
	}
	ctx = trace.ContextWithSpan(ctx, s.Span)
	config := trace.NewSpanStartConfig(options...)
	if config.SpanKind() != trace.SpanKindClient {
		ctx, span := t.Tracer.Start(ctx, name, options...)
		return markResend(ctx, span), span
	}
	if slices.ContainsFunc(config.Attributes(), isResendCount) { // of one that counts by itself
		return t.Tracer.Start(ctx, name, options...)
	}
	return t.Tracer.Start(ctx, name, append(slices.Clip(options), trace.WithAttributes(semconv.HTTPRequestResendCount(1)))...)
}

// isOfHTTPClient reports whether span is one that an instrumentation of HTTP
// clients made, and not a caller's own, which knows of no sends.
func isOfHTTPClient(span trace.Span) bool {
	s, ok := undisguised(span).(interface{ SpanKind() trace.SpanKind })
	return ok && s.SpanKind() == trace.SpanKindClient && hasAttribute(span, func(a attribute.KeyValue) bool {
		return a.Key == semconv.HTTPRequestMethodKey || a.Key == "http.method" // as it was called until 2023
	})
}

// hasResendCount reports whether somebody set it already.
func hasResendCount(span trace.Span) bool { return hasAttribute(span, isResendCount) }

func isResendCount(a attribute.KeyValue) bool { return a.Key == semconv.HTTPRequestResendCountKey }

func hasAttribute(span trace.Span, is func(attribute.KeyValue) bool) bool {
	s, ok := undisguised(span).(interface{ Attributes() []attribute.KeyValue })
	return ok && slices.ContainsFunc(s.Attributes(), is)
}

func undisguised(span trace.Span) trace.Span {
	if s, ok := span.(resent); ok {
		return s.Span
	}
	return span
}
