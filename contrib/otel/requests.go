package authotel

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/authtrip/authtrip"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// What happens to a request is an event of the span that its context has: the
// caller's own, or that of an instrumentation around the Transport.

func event(ctx context.Context, name string, attributes []attribute.KeyValue) {
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		span.AddEvent(name, trace.WithAttributes(attributes...))
	}
}

func (t *Telemetry) waited(ctx context.Context, registration string, wait time.Duration, err error) {
	t.countWait(ctx, registration, wait, err)
	if errors.Is(err, authtrip.ErrCircuitOpen) { // no call begins that could tell of a token that was dropped
		t.lifetimes.dropUnended(registration)
	}
	event(ctx, "authtrip.token.waited", append(t.aboutRequest(ctx, registration, err), waitKey.Float64(wait.Seconds())))
}

func (t *Telemetry) rejected(ctx context.Context, registration string, status int, first bool) {
	attributes := append(t.about(registration, nil), firstKey.Bool(first))
	if status != 0 {
		attributes = append(attributes, semconv.HTTPResponseStatusCode(status))
	}
	t.countRejection(ctx, attributes)
	event(ctx, "authtrip.token.rejected", attributes)
}

func (t *Telemetry) replay(ctx context.Context, registration string) context.Context {
	event(ctx, "authtrip.request.replay", t.about(registration, nil))
	span := trace.SpanFromContext(ctx)
	if isOfHTTPClient(span) && !hasResendCount(span) { // and of both sends; a caller that counts knows better
		span.SetAttributes(semconv.HTTPRequestResendCount(1))
	}
	return markResend(ctx, span)
}

func (t *Telemetry) replayed(ctx context.Context, registration string, accepted bool, err error) {
	outcome := replayRejected
	switch {
	case err != nil:
		outcome = replayFailed
	case accepted:
		outcome = replayAccepted
	}
	t.countReplay(ctx, registration, outcome, err)
	event(ctx, "authtrip.request.replayed", append(t.aboutRequest(ctx, registration, err), replayOutcomeKey.String(outcome)))
}

func (t *Telemetry) notReplayed(ctx context.Context, registration string, why error) {
	t.countReplay(ctx, registration, replayNotReplayed, why)
	event(ctx, "authtrip.request.not_replayed", append(t.about(registration, why), reason(why)))
}

func (t *Telemetry) undecided(ctx context.Context, registration string, why error) {
	t.metrics.undecided.Add(ctx, 1, metric.WithAttributes(t.about(registration, nil)...))
	event(ctx, "authtrip.response.undecided", append(t.about(registration, why), reason(why)))
}

func reason(why error) attribute.KeyValue {
	if why == nil {
		return reasonKey.String("")
	}
	return reasonKey.String(strings.ToValidUTF8(why.Error(), ""))
}
