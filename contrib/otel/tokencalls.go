package authotel

import (
	"context"

	"github.com/authtrip/authtrip"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// maxLinks is how many requests a token call's span is linked to: an SDK keeps
// 128 links unless told otherwise, and drops the first.
const maxLinks = 128

// callKey is where a token call's context has its span, for hooks that come
// later may put others into it.
type callKey struct{ of *Telemetry }

// tokenCall is the span of a token call.
type tokenCall struct {
	trace.Span
	starter trace.SpanContext // of the request that started it
}

// tokenCallStart starts the span of a token call: in a trace of its own, for the
// requests that will wait for it have many, and linked to the request that began
// it. An otelhttp.Transport of the token calls finds it in the context.
func (t *Telemetry) tokenCallStart(flight, caller context.Context, call authtrip.TokenCall) context.Context {
	t.circuits.know(call.Server)
	t.begin(call.Registration)
	if !call.User && (call.Why == "forced" || call.Why == "rejected") { // should it fail, the old token is gone all the same
		t.lifetimes.drop(call.Registration)
	}
	options := []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(t.callAttributes(call)...)}
	starter := trace.SpanContextFromContext(caller)
	if starter.IsSampled() {
		options = append(options, trace.WithLinks(trace.Link{SpanContext: starter}))
	}
	ctx, span := t.tracer.Start(flight, t.spanName(call.Registration), options...)
	return context.WithValue(ctx, callKey{t}, &tokenCall{span, starter})
}

func (t *Telemetry) spanName(registration string) string {
	if name := t.name(registration); name != "" {
		return "token call " + name
	}
	return "token call"
}

// tokenCallDone counts a token call and ends its span. There is none where no
// call was made, because another process made it.
func (t *Telemetry) tokenCallDone(flight context.Context, call authtrip.TokenCall) {
	t.circuits.know(call.Server)
	t.begin(call.Registration)
	t.countTokenCall(flight, call)
	span, ok := flight.Value(callKey{t}).(*tokenCall)
	if !ok {
		return
	}
	if span.IsRecording() {
		span.describe(call)
	}
	if span.SpanContext().IsSampled() {
		span.link(call)
	}
	span.End()
}

// describe says how the call went.
func (s *tokenCall) describe(call authtrip.TokenCall) {
	s.SetAttributes(outcomeAttributes(call)...)
	s.SetAttributes(attemptsKey.Int(call.Attempts), waitersKey.Int(len(call.Waiters)))
	if call.Lifetime > 0 {
		s.SetAttributes(lifetimeKey.Float64(call.Lifetime.Seconds()))
	}
	if call.Err != nil {
		s.SetStatus(codes.Error, call.Err.Error()) // which authtrip took the secrets out of
	}
}

// link links the call to the requests that waited for it, and them to it.
func (s *tokenCall) link(call authtrip.TokenCall) {
	back := trace.Link{SpanContext: s.SpanContext(), Attributes: []attribute.KeyValue{whyKey.String(call.Why), outcomeKey.String(call.Outcome)}}
	links := 0
	if s.starter.IsSampled() {
		links = 1
	}
	linked := map[trace.SpanID]bool{}
	for _, ctx := range call.Waiters {
		waiter := trace.SpanFromContext(ctx)
		at := waiter.SpanContext()
		if !at.IsSampled() || linked[at.SpanID()] { // nobody would find it, or several requests are under it
			continue
		}
		linked[at.SpanID()] = true
		waiter.AddLink(back)
		if at.SpanID() != s.starter.SpanID() && links < maxLinks {
			links++
			s.AddLink(trace.Link{SpanContext: at})
		}
	}
}
