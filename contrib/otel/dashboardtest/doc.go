// Package dashboardtest holds the tests of the Grafana dashboard and of the
// alert rules of contrib/otel. They are a module of their own since they run the
// queries in Prometheus's own engine, which no user of contrib/otel should have
// to download. Dashboard and rules are outside the module, where Go's cache of
// test results does not look: after a change of them run
//
//	go test -count=1 .
package dashboardtest
