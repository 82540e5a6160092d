package authotel

import (
	"context"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// Prometheus counts from a series' second value: the first rejection of all would
// show nowhere if its series began with it. So the counters' likely series are
// made at a registration's first token call, with 0.

// zeros are the names of registrations whose series are there.
type zeros struct {
	mu   sync.Mutex
	made map[string]bool // guarded by mu
}

// first reports whether name was not heard of before.
func (z *zeros) first(name string) bool {
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.made[name] {
		return false
	}
	if z.made == nil {
		z.made = map[string]bool{}
	}
	z.made[name] = true
	return true
}

// begin makes the series of a registration.
func (t *Telemetry) begin(registration string) {
	if !t.zeros.first(t.name(registration)) {
		return
	}
	zero := func(c metric.Int64Counter, attributes ...attribute.KeyValue) {
		c.Add(context.Background(), 0, metric.WithAttributes(append(t.about(registration, nil), attributes...)...))
	}
	zero(t.metrics.rejections, firstKey.Bool(true), semconv.HTTPResponseStatusCode(401))
	zero(t.metrics.replays, replayOutcomeKey.String(replayAccepted))
	zero(t.metrics.replays, replayOutcomeKey.String(replayRejected))
	zero(t.metrics.replays, replayOutcomeKey.String(replayNotReplayed), semconv.ErrorTypeKey.String(other))
	zero(t.metrics.undecided)
	zero(t.metrics.storeFailures, semconv.ErrorTypeKey.String(other))
}
