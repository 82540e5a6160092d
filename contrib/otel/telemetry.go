package authotel

import (
	"errors"

	"github.com/authtrip/authtrip"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// ScopeName is the instrumentation scope of all metrics and spans of this
// package: what a view or a sampler finds them by.
const ScopeName = "github.com/authtrip/authtrip/contrib/otel"

// Telemetry makes metrics and spans of what a Manager, or a Source from
// [authtrip.NewSource], does. Each should have a Telemetry of its own. Of two that
// share one, the circuits are taken for one, a Store that works hides that the
// other's fails, and of registrations with one ID the latest token counts.
//
// It holds no goroutine and is safe for concurrent use. The zero value shows
// nothing: use [New].
type Telemetry struct {
	settings
	tracer    trace.Tracer
	metrics   *metrics
	lifetimes lifetimes
	circuits  circuits
	store     storeState
	zeros     zeros
	callbacks metric.Registration
}

// settings are what the options set.
type settings struct {
	meters  metric.MeterProvider
	tracers trace.TracerProvider
	name    func(registration string) string
}

// Option is an option of [New].
type Option func(*settings)

// WithMeterProvider sets where metrics go. The default, and nil, is the global
// provider, which may be set later.
func WithMeterProvider(p metric.MeterProvider) Option {
	return func(s *settings) {
		if p != nil {
			s.meters = p
		}
	}
}

// WithTracerProvider sets where the spans of token calls go. The default, and
// nil, is the global provider, which may be set later. Events and links of a
// request go to the span that the request has, whatever provider that is of.
func WithTracerProvider(p trace.TracerProvider) Option {
	return func(s *settings) {
		if p != nil {
			s.tracers = p
		}
	}
}

// WithRegistrationName sets what the attribute authtrip.registration shows in
// place of a registration's ID; with "" it is left out. It is for programs with
// so many registrations that a series for each is too much: see "Many
// registrations" in the package's documentation. Name is called at every event
// and must be quick, not panic and be safe for concurrent use. Nil shows the ID.
func WithRegistrationName(name func(id string) string) Option {
	return func(s *settings) {
		if name != nil {
			s.name = name
		}
	}
}

// New returns a Telemetry, whose [Telemetry.Hooks] go to NewManager or
// NewSource. The error is that of a MeterProvider which refuses an instrument.
func New(options ...Option) (*Telemetry, error) {
	t := &Telemetry{settings: settings{
		meters: otel.GetMeterProvider(), tracers: otel.GetTracerProvider(),
		name: func(id string) string { return id },
	}}
	for _, o := range options {
		if o != nil {
			o(&t.settings)
		}
	}
	t.tracer = t.tracers.Tracer(ScopeName, trace.WithSchemaURL(semconv.SchemaURL))
	meter := t.meters.Meter(ScopeName, metric.WithSchemaURL(semconv.SchemaURL))
	var err error
	if t.metrics, err = newMetrics(meter); err != nil {
		return nil, err
	}
	if t.callbacks, err = t.observe(meter); err != nil {
		return nil, err
	}
	return t, nil
}

// observe has the meter ask for what has a value at any time.
func (t *Telemetry) observe(meter metric.Meter) (metric.Registration, error) {
	lifetime, err1 := meter.Float64ObservableGauge("authtrip.token.remaining_lifetime", metric.WithUnit("s"),
		metric.WithDescription("For how long the token that a registration got last will be used; 0 when it has ended."))
	circuit, err2 := meter.Int64ObservableUpDownCounter("authtrip.circuit.state", metric.WithUnit("{circuit}"),
		metric.WithDescription("1 for the state that the circuit breaker of an authorization server is in, 0 for the other two."))
	failing, err3 := meter.Int64ObservableUpDownCounter("authtrip.store.failing", metric.WithUnit("{store}"),
		metric.WithDescription("1 while the Store fails, else 0."))
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	return meter.RegisterCallback(t.read(lifetime, circuit, failing), lifetime, circuit, failing)
}

// Hooks returns the hooks to pass to [authtrip.NewManager] or
// [authtrip.NewSource], beside others if there are.
func (t *Telemetry) Hooks() authtrip.Hooks {
	if t == nil || t.metrics == nil { // not from New
		return authtrip.Hooks{}
	}
	return authtrip.Hooks{
		TokenCallStart: t.tokenCallStart,
		TokenCallDone:  t.tokenCallDone,
		Waited:         t.waited,
		Rejected:       t.rejected,
		ReplayStart:    t.replay,
		ReplayDone:     t.replayed,
		NotReplayed:    t.notReplayed,
		Undecided:      t.undecided,
		CircuitChanged: t.circuits.change,
		StoreChanged:   t.store.change,
		StoreFailed:    t.storeFailed,
	}
}

// Close takes out of the MeterProvider what it asks for at each collection: the
// remaining lifetimes and the states of circuits and Store. Call it after
// Close of the Manager or Source. What is counted and traced later still is.
func (t *Telemetry) Close() error {
	if t == nil || t.callbacks == nil { // not from New
		return nil
	}
	return t.callbacks.Unregister()
}
