//go:build documents

// What the documents' Go blocks import. Nothing is built with this tag: it
// keeps the modules in go.mod.
package doccheck

import (
	_ "github.com/authtrip/authtrip"
	_ "github.com/authtrip/authtrip/contrib/config"
	_ "github.com/authtrip/authtrip/contrib/grpc"
	_ "github.com/authtrip/authtrip/contrib/otel"
	_ "github.com/authtrip/authtrip/contrib/redisstore"
	_ "github.com/authtrip/authtrip/contrib/restyv3"
	_ "github.com/authtrip/authtrip/contrib/xoauth2"
	_ "github.com/go-resty/resty/v2"
	_ "github.com/gophercloud/gophercloud/v2"
	_ "github.com/hashicorp/go-retryablehttp"
	_ "github.com/prometheus/client_golang/prometheus/promhttp"
	_ "github.com/redis/go-redis/v9"
	_ "go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	_ "go.opentelemetry.io/otel"
	_ "go.opentelemetry.io/otel/exporters/prometheus"
	_ "go.opentelemetry.io/otel/sdk/metric"
	_ "go.opentelemetry.io/otel/trace"
	_ "golang.org/x/oauth2/clientcredentials"
	_ "google.golang.org/grpc"
	_ "resty.dev/v3"
)
