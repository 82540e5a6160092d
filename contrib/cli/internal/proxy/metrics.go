package proxy

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are what Prometheus scrapes. No label has a value that a client
// chooses.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec // by class of status
	duration prometheus.Histogram
	inFlight prometheus.Gauge
	faults   *prometheus.CounterVec // answers of the proxy's own, by kind
	calls    *prometheus.HistogramVec
	waits    prometheus.Histogram
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "authtrip_proxy_requests_total", Help: "Requests that were answered, by class of status; an upgrade, to WebSocket say, is 1xx."}, []string{"code"}),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "authtrip_proxy_request_duration_seconds", Help: "From a request's header to the end of its answer.", Buckets: buckets}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "authtrip_proxy_requests_in_flight", Help: "Requests that are being answered."}),
		faults: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "authtrip_proxy_errors_total", Help: "Answers of the proxy's own in place of the API's, by kind, as the header Authtrip-Error has it."}, []string{"kind"}),
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "authtrip_proxy_token_call_duration_seconds", Help: "Token calls, by outcome.", Buckets: buckets}, []string{"outcome"}),
		waits: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "authtrip_proxy_token_wait_duration_seconds", Help: "What requests waited for a token that did not have one at once.", Buckets: buckets}),
	}
	m.registry.MustRegister(m.requests, m.duration, m.inFlight, m.faults, m.calls, m.waits,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

var buckets = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}

// hooks tell m of tokens.
func (m *metrics) hooks() authtrip.Hooks {
	return authtrip.Hooks{
		TokenCallDone: func(_ context.Context, call authtrip.TokenCall) {
			m.calls.WithLabelValues(call.Outcome).Observe(call.Duration.Seconds())
		},
		Waited: func(_ context.Context, _ string, wait time.Duration, _ error) {
			m.waits.Observe(wait.Seconds())
		},
	}
}

// show adds what src counts by itself.
func (m *metrics) show(src *authtrip.Source) { m.registry.MustRegister(&stats{src}) }

func (m *metrics) handler(log *slog.Logger) http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn), MaxRequestsInFlight: 4})
}

func (m *metrics) answered(status int, took time.Duration) {
	m.requests.WithLabelValues(strconv.Itoa(status/100) + "xx").Inc()
	m.duration.Observe(took.Seconds())
}

func (m *metrics) failed(f *fault) { m.faults.WithLabelValues(f.kind).Inc() }

// stats shows authtrip.Stats, read at each scrape.
type stats struct{ src *authtrip.Source }

var _ prometheus.Collector = (*stats)(nil)

type counter struct {
	desc  *prometheus.Desc
	value func(authtrip.Stats) uint64
}

var (
	counters = []counter{
		{desc("authtrip_proxy_token_calls_total", "Token calls that were made."), func(s authtrip.Stats) uint64 { return s.TokenCalls }},
		{desc("authtrip_proxy_token_call_failures_total", "Token calls that brought no token."), func(s authtrip.Stats) uint64 { return s.Failures }},
		{desc("authtrip_proxy_tokens_stored_total", "Tokens that the cache had, for which no call was made."), func(s authtrip.Stats) uint64 { return s.Stored }},
		{desc("authtrip_proxy_rejections_total", "Responses that rejected a token."), func(s authtrip.Stats) uint64 { return s.Rejections }},
		{desc("authtrip_proxy_replays_total", "Requests that were sent again with another token."), func(s authtrip.Stats) uint64 { return s.Replays }},
		{desc("authtrip_proxy_not_replayed_total", "Rejecting responses that were handed on instead."), func(s authtrip.Stats) uint64 { return s.NotReplayed }},
	}
	tokenAge  = desc("authtrip_proxy_token_age_seconds", "Since the token was asked for; absent without one.")
	tokenLeft = desc("authtrip_proxy_token_left_seconds", "Until the token is not used any more; absent without one, and where the server gave no lifetime.")
	tokenIs   = desc("authtrip_proxy_token_state", "1 for the state that the token is in: none, fresh, stale, rejected or expired.", "state")
	circuitIs = desc("authtrip_proxy_circuit_state", "1 for the state that the authorization server's circuit is in: closed, open or half-open.", "state")
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

func (s *stats) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range counters {
		ch <- c.desc
	}
	ch <- tokenAge
	ch <- tokenLeft
	ch <- tokenIs
	ch <- circuitIs
}

func (s *stats) Collect(ch chan<- prometheus.Metric) {
	now := s.src.Stats()
	for _, c := range counters {
		ch <- prometheus.MustNewConstMetric(c.desc, prometheus.CounterValue, float64(c.value(now)))
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	if now.Token != "none" {
		gauge(tokenAge, now.Age.Seconds())
		if now.Left >= 0 {
			gauge(tokenLeft, now.Left.Seconds())
		}
	}
	states := func(d *prometheus.Desc, is string, all ...string) {
		for _, state := range all {
			v := 0.0
			if state == is {
				v = 1
			}
			gauge(d, v, state)
		}
	}
	states(tokenIs, now.Token, "none", "fresh", "stale", "rejected", "expired")
	states(circuitIs, now.Circuit, "closed", "open", "half-open")
}
