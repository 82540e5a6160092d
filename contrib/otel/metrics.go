package authotel

import (
	"context"
	"errors"
	"time"

	"github.com/authtrip/authtrip"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// metrics are the instruments of what happens at a moment.
type metrics struct {
	tokenCalls    metric.Float64Histogram
	waits         metric.Float64Histogram
	rejections    metric.Int64Counter
	replays       metric.Int64Counter
	undecided     metric.Int64Counter
	storeFailures metric.Int64Counter
}

// buckets end in seconds: a token call takes tens of milliseconds where all is
// well, and all its attempts 10 s at most unless a Policy says otherwise.
var buckets = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20}

func newMetrics(meter metric.Meter) (*metrics, error) {
	var faults []error
	histogram := func(name, description string) metric.Float64Histogram {
		h, err := meter.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(description),
			metric.WithExplicitBucketBoundaries(buckets...))
		faults = append(faults, err)
		return h
	}
	counter := func(name, unit, description string) metric.Int64Counter {
		c, err := meter.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(description))
		faults = append(faults, err)
		return c
	}
	m := &metrics{
		tokenCalls: histogram("authtrip.token_call.duration",
			"How long token calls took, all attempts and the Store's part included."),
		waits: histogram("authtrip.token.wait.duration",
			"How long requests waited that had to wait for a token."),
		rejections: counter("authtrip.token.rejections", "{response}",
			"Responses that rejected the token that was sent."),
		replays: counter("authtrip.request.replays", "{request}",
			"What became of requests whose token was rejected."),
		undecided: counter("authtrip.response.undecided", "{response}",
			"Responses taken for accepted because their envelope could not be judged."),
		storeFailures: counter("authtrip.store.record_failures", "{record}",
			"Users' records that could not be read from the Store, opened or saved."),
	}
	return m, errors.Join(faults...)
}

// countTokenCall records a token call that has ended.
func (t *Telemetry) countTokenCall(ctx context.Context, call authtrip.TokenCall) {
	t.metrics.tokenCalls.Record(ctx, call.Duration.Seconds(),
		metric.WithAttributes(append(t.callAttributes(call), outcomeAttributes(call)...)...))
	if call.User { // a series for each user would be too many, and the latest user's says nothing
		return
	}
	switch call.Outcome {
	case "issued", "unchanged", "stored":
		t.lifetimes.set(call.Registration, call.Lifetime)
	case "dropped":
		t.lifetimes.drop(call.Registration)
	}
}

func (t *Telemetry) countWait(ctx context.Context, registration string, wait time.Duration, err error) {
	t.metrics.waits.Record(ctx, wait.Seconds(), metric.WithAttributes(t.aboutRequest(ctx, registration, err)...))
}

func (t *Telemetry) countRejection(ctx context.Context, attributes []attribute.KeyValue) {
	t.metrics.rejections.Add(ctx, 1, metric.WithAttributes(attributes...))
}

// countReplay counts what became of a rejected request: "accepted", "rejected",
// "failed" or "not_replayed".
func (t *Telemetry) countReplay(ctx context.Context, registration, outcome string, err error) {
	t.metrics.replays.Add(ctx, 1, metric.WithAttributes(append(t.aboutRequest(ctx, registration, err), replayOutcomeKey.String(outcome))...))
}

func (t *Telemetry) storeFailed(registration string, err error) {
	t.metrics.storeFailures.Add(context.Background(), 1, metric.WithAttributes(t.about(registration, err)...))
}

// about is what attributes say of a registration and an error, if there is one.
func (t *Telemetry) about(registration string, err error) []attribute.KeyValue {
	return t.aboutRequest(context.Background(), registration, err)
}

// aboutRequest is about, of a request that has this context.
func (t *Telemetry) aboutRequest(ctx context.Context, registration string, err error) []attribute.KeyValue {
	all := make([]attribute.KeyValue, 0, 4)
	if name := t.name(registration); name != "" {
		all = append(all, registrationKey.String(name))
	}
	if err != nil {
		all = append(all, semconv.ErrorTypeKey.String(errorTypeIn(ctx, err)))
	}
	return all
}
