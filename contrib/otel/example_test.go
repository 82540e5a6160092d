package authotel_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	authotel "github.com/authtrip/authtrip/contrib/otel"
	"github.com/authtrip/authtrip/nhn"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// Metrics and spans of a token that is revoked between two requests.
func ExampleNew() {
	reader := sdkmetric.NewManualReader()
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	exported := tracetest.NewInMemoryExporter()
	tracers := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exported))

	tel, err := authotel.New(authotel.WithMeterProvider(meters), authotel.WithTracerProvider(tracers)) // or the global ones
	if err != nil {
		fmt.Println(err)
		return
	}
	defer tel.Close() //nolint:errcheck // an example

	cloud := authtest.NewNHN()
	defer cloud.Close()
	src, err := nhn.NewSource(cloud.Credentials(), append(cloud.Options(), nhn.With(tel.Hooks()))...)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer src.Close() //nolint:errcheck // it returns nil
	client := &http.Client{Transport: &authtrip.Transport{Source: src}}
	for range 2 {
		res, err := client.Get(cloud.APIURL)
		if err != nil {
			fmt.Println(err)
			return
		}
		_ = res.Body.Close()
		cloud.RevokeAll()
	}

	for _, span := range exported.GetSpans() {
		fmt.Println(span.Name, value(span.Attributes, "authtrip.token_call.why"), value(span.Attributes, "authtrip.token_call.outcome"))
	}
	var all metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &all); err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range all.ScopeMetrics[0].Metrics {
		fmt.Println(m.Name, m.Unit)
	}
	// Output:
	// token call nhn first use issued
	// token call nhn rejected issued
	// authtrip.token_call.duration s
	// authtrip.token.wait.duration s
	// authtrip.token.rejections {response}
	// authtrip.request.replays {request}
	// authtrip.response.undecided {response}
	// authtrip.store.record_failures {record}
	// authtrip.token.remaining_lifetime s
	// authtrip.circuit.state {circuit}
	// authtrip.store.failing {store}
}

// The HTTP exchanges of token calls, without the query of their URLs.
func ExampleTokenTransport() {
	instrument := func(base http.RoundTripper) http.RoundTripper { return otelhttp.NewTransport(base) }
	src, err := authtrip.NewSource(authtrip.Registration{
		ID:            "payments",
		ClientID:      "my-client",
		ClientSecret:  authtrip.NewSecret("from a safe place"),
		TokenEndpoint: authtrip.Endpoint{URL: "https://auth.example.com/token"},
	}, authtrip.WithTokenTransport(authotel.TokenTransport(nil, instrument)))
	fmt.Println(src, err)
	// Output: authtrip.Source("payments") <nil>
}

// An otelhttp inside, with a TracerProvider: the second send says that it is.
func ExampleResendCounts() {
	provider := sdktrace.NewTracerProvider()
	_ = &authtrip.Transport{
		Source: nil, // a Source
		Base:   otelhttp.NewTransport(http.DefaultTransport, otelhttp.WithTracerProvider(authotel.ResendCounts(provider))),
	}
	// Output:
}
