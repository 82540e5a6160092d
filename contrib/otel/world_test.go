package authotel_test

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	authotel "github.com/authtrip/authtrip/contrib/otel"
	"github.com/authtrip/authtrip/nhn"
	"github.com/authtrip/authtrip/prism"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// world is an emulator, and a program with a Source of its tokens whose traces
// and metrics are exported into memory.
type world struct {
	*telemetry
	cloud *authtest.NHN
	src   *authtrip.Source
}

// telemetry is what is exported.
type telemetry struct {
	t        testing.TB
	tel      *authotel.Telemetry
	exporter *tracetest.InMemoryExporter
	tracers  *sdktrace.TracerProvider
	reader   *sdkmetric.ManualReader
	meters   *sdkmetric.MeterProvider
}

func newTelemetry(t testing.TB, options ...authotel.Option) *telemetry {
	t.Helper()
	w := &telemetry{t: t, exporter: tracetest.NewInMemoryExporter(), reader: sdkmetric.NewManualReader()}
	w.tracers = sdktrace.NewTracerProvider(sdktrace.WithSyncer(w.exporter))
	w.meters = sdkmetric.NewMeterProvider(sdkmetric.WithReader(w.reader))
	var err error
	w.tel, err = authotel.New(append([]authotel.Option{authotel.WithMeterProvider(w.meters), authotel.WithTracerProvider(w.tracers)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.tel.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// newWorld starts an emulator on loopback and a Source of it.
func newWorld(t *testing.T, source ...authtrip.Option) *world { return newWorldOf(t, nil, source...) }

// newWorldOf does with options of the emulator.
func newWorldOf(t *testing.T, emulator []authtest.Option, source ...authtrip.Option) *world {
	t.Helper()
	w := &world{telemetry: newTelemetry(t), cloud: authtest.NewNHN(emulator...)}
	t.Cleanup(w.cloud.Close)
	w.src = w.source(source...)
	return w
}

// source is another Source of the emulator, with the same Telemetry.
func (w *world) source(options ...authtrip.Option) *authtrip.Source {
	w.t.Helper()
	src, err := nhn.NewSource(w.cloud.Credentials(), append(w.cloud.Options(), nhn.With(append(options, w.tel.Hooks())...))...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = src.Close() })
	return src
}

// over is a client whose Transport has base inside.
func (w *world) over(base http.RoundTripper) *authtrip.Transport {
	return &authtrip.Transport{Source: w.src, Base: base}
}

// otelhttp is that of the program, around base.
func (w *telemetry) otelhttp(base http.RoundTripper, options ...otelhttp.Option) http.RoundTripper {
	return otelhttp.NewTransport(base, append([]otelhttp.Option{otelhttp.WithMeterProvider(w.meters), otelhttp.WithPropagators(propagation.TraceContext{})}, options...)...)
}

// withTracers gives an otelhttp.Transport the TracerProvider.
func (w *telemetry) withTracers() otelhttp.Option { return otelhttp.WithTracerProvider(w.tracers) }

// span begins a span of the program's own.
func (w *telemetry) span(name string) (context.Context, trace.Span) {
	return w.tracers.Tracer("program").Start(context.Background(), name)
}

// get sends a request through rt.
func (w *world) get(ctx context.Context, rt http.RoundTripper) (int, error) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.cloud.APIURL+"/v1/things", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	res, err := (&http.Client{Transport: rt}).Do(req)
	if err != nil {
		return 0, err
	}
	return res.StatusCode, res.Body.Close()
}

// mustGet does, and expects 200.
func (w *world) mustGet(ctx context.Context, rt http.RoundTripper) {
	w.t.Helper()
	if status, err := w.get(ctx, rt); status != 200 || err != nil {
		w.t.Fatalf("the caller got %d, %v", status, err)
	}
}

// mustToken gets a token, so that what follows counts from there.
func (w *world) mustToken() authtrip.Token {
	w.t.Helper()
	tok, err := w.src.Token(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	return tok
}

// named returns the spans that ended so far under a name, first ended first.
func (w *telemetry) named(name string) tracetest.SpanStubs {
	return slices.DeleteFunc(w.exporter.GetSpans(), func(s tracetest.SpanStub) bool { return s.Name != name })
}

// one expects a single span under a name.
func (w *telemetry) one(name string) tracetest.SpanStub {
	w.t.Helper()
	spans := w.named(name)
	if len(spans) != 1 {
		w.t.Fatalf("%d spans are called %q, want 1", len(spans), name)
	}
	return spans[0]
}

const tokenCall = "token call nhn"

// attributes are written as one text: "key=value key=value", sorted.
func text(attributes []attribute.KeyValue) string {
	var all []string
	for _, a := range attributes {
		all = append(all, string(a.Key)+"="+a.Value.String())
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// value is that of one attribute, or "".
func value(attributes []attribute.KeyValue, key attribute.Key) string {
	for _, a := range attributes {
		if a.Key == key {
			return a.Value.String()
		}
	}
	return ""
}

// collected is a metric's points: what they count or show, by their attributes
// without those of the server.
func (w *telemetry) collected(name string) map[string]float64 {
	w.t.Helper()
	points := map[string]float64{}
	put := func(set attribute.Set, v float64) {
		points[text(slices.DeleteFunc(set.ToSlice(), func(a attribute.KeyValue) bool {
			return strings.HasPrefix(string(a.Key), "server.") || a.Key == "authtrip.registration" && a.Value.AsString() == "nhn"
		}))] += v
	}
	switch data := w.metric(name).Data.(type) {
	case metricdata.Histogram[float64]:
		for _, p := range data.DataPoints {
			put(p.Attributes, float64(p.Count))
		}
	case metricdata.Sum[int64]:
		for _, p := range data.DataPoints {
			if p.Value != 0 || !data.IsMonotonic { // a counter's 0 is only that there is a series
				put(p.Attributes, float64(p.Value))
			}
		}
	case metricdata.Gauge[float64]:
		for _, p := range data.DataPoints {
			put(p.Attributes, p.Value)
		}
	}
	return points
}

// metric is one of those of this package; zero without any points.
func (w *telemetry) metric(name string) metricdata.Metrics {
	w.t.Helper()
	var all metricdata.ResourceMetrics
	if err := w.reader.Collect(context.Background(), &all); err != nil {
		w.t.Fatal(err)
	}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			if scope.Scope.Name == authotel.ScopeName && m.Name == name {
				return m
			}
		}
	}
	return metricdata.Metrics{}
}

// wantPoints expects a metric's points, by their attributes.
func (w *telemetry) wantPoints(name string, want map[string]float64) {
	w.t.Helper()
	got := w.collected(name)
	for attributes, v := range want {
		if got[attributes] != v {
			w.t.Errorf("%s{%s} is %v, want %v", name, attributes, got[attributes], v)
		}
		delete(got, attributes)
	}
	for attributes, v := range got {
		w.t.Errorf("%s{%s} is %v, want none", name, attributes, v)
	}
}

// ints are the points of a metric of whole numbers.
func (w *telemetry) ints(name string) []metricdata.DataPoint[int64] {
	w.t.Helper()
	data, ok := w.metric(name).Data.(metricdata.Sum[int64])
	if !ok {
		w.t.Fatalf("%s has no whole numbers", name)
	}
	return data.DataPoints
}

// prism is a Source of a user's tokens.
func (w *telemetry) prism(live *authtest.PRISM, options ...authtrip.Option) *authtrip.Source {
	w.t.Helper()
	mgr, err := authtrip.NewManager([]authtrip.Registration{prism.Registration(live.Client())},
		append(append(live.Options(), options...), w.tel.Hooks())...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = mgr.Close() })
	src, err := mgr.SourceFor("prism", "user-42")
	if err != nil {
		w.t.Fatal(err)
	}
	return src
}

// reply is an answer of 200 with JSON.
func reply(body string) *http.Response {
	return &http.Response{StatusCode: 200, Status: "200 OK", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body))}
}
