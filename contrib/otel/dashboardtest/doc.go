// Package dashboardtest holds the tests of the Grafana dashboard and of the
// alert rules of contrib/otel. They are a module of their own since they run the
// queries in Prometheus's own engine, which no user of contrib/otel should have
// to download.
package dashboardtest
