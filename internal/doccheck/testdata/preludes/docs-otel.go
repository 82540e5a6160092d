package documents

import (
	"net/http"

	"github.com/authtrip/authtrip"
	authotel "github.com/authtrip/authtrip/contrib/otel"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/trace"
)

var (
	registration authtrip.Registration
	base         http.RoundTripper
	provider     trace.TracerProvider
)
