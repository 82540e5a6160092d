package dashboardtest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/authtrip/authtrip"
	authotel "github.com/authtrip/authtrip/contrib/otel"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"
)

// What docs/otel.md says to write, in one program.
func Example() {
	exporter, err := prometheus.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	otel.SetMeterProvider(metric.NewMeterProvider(metric.WithReader(exporter)))
	http.Handle("/metrics", promhttp.Handler())

	tel, err := authotel.New() // the global MeterProvider and TracerProvider
	if err != nil {
		fmt.Println(err)
		return
	}
	defer tel.Close()
	registration := authtrip.Registration{
		ID: "payments", ClientID: "c", ClientSecret: authtrip.NewSecret("from a safe place"),
		TokenEndpoint: authtrip.Endpoint{URL: "http://127.0.0.1:1/token"}, // where nobody is
	}
	src, err := authtrip.NewSource(registration, tel.Hooks())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer src.Close()
	_, err = src.Token(httptest.NewRequest(http.MethodGet, "/", nil).Context())
	fmt.Println("a token:", err == nil)

	page := httptest.NewRecorder()
	http.DefaultServeMux.ServeHTTP(page, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for line := range strings.Lines(page.Body.String()) {
		if strings.HasPrefix(line, "authtrip_token_call_duration_seconds_count") {
			fmt.Println(strings.Contains(line, `error_type="connection_refused"`))
		}
	}
	// Output:
	// a token: false
	// true
}

// What it says of otelhttp.
func Example_otelhttp() {
	base, provider := http.DefaultTransport, otel.GetTracerProvider()
	client := &http.Client{Transport: &authtrip.Transport{ // and a Source
		Base: otelhttp.NewTransport(base, otelhttp.WithTracerProvider(authotel.ResendCounts(provider))),
	}}
	option := authtrip.WithTokenTransport(authotel.TokenTransport(nil, func(base http.RoundTripper) http.RoundTripper {
		return otelhttp.NewTransport(base)
	}))
	fmt.Println(client != nil, option != nil)
	// Output: true true
}

// The code in docs/otel.md is that of the examples above, which are compiled and
// run.
func TestTheDocumentedCodeIsThatOfTheExamples(t *testing.T) {
	page, err := os.ReadFile("../../../docs/otel.md")
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for i, block := range strings.Split(string(page), "```go\n") {
		if i == 0 {
			continue
		}
		code, _, _ := strings.Cut(block, "```")
		for line := range strings.Lines(code) {
			line = strings.Join(strings.Fields(line), " ")
			if line == "" || line == "return err" {
				continue
			}
			lines++
			if !strings.Contains(strings.Join(strings.Fields(string(file)), " "), line) {
				t.Errorf("docs/otel.md has a line that no example has: %s", line)
			}
		}
	}
	if lines < 10 {
		t.Errorf("docs/otel.md has %d lines of code", lines)
	}
}
