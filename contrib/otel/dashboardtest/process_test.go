package dashboardtest

import (
	"fmt"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// process is what one shows: series and their values. It is made up, so that
// hours of it can be scraped.
type process map[string]float64

const of = `authtrip_registration="payments"`

// call counts a token call; errorType is empty where there is no error.
func (p process) call(why, outcome, errorType string) {
	kind := ""
	if errorType != "" {
		kind = fmt.Sprintf(`, error_type=%q`, errorType)
	}
	p[fmt.Sprintf(`authtrip_token_call_duration_seconds_count{%s, authtrip_token_call_why=%q, authtrip_token_call_outcome=%q%s}`, of, why, outcome, kind)]++
}

// waits counts n requests that waited for so many seconds.
func (p process) waits(n, seconds float64, errorType string) {
	kind := ""
	if errorType != "" {
		kind = fmt.Sprintf(`, error_type=%q`, errorType)
	}
	p[fmt.Sprintf(`authtrip_token_wait_duration_seconds_count{%s%s}`, of, kind)] += n
	for _, le := range []float64{0.1, 1, 5} {
		in := 0.0
		if seconds <= le {
			in = n
		}
		p[fmt.Sprintf(`authtrip_token_wait_duration_seconds_bucket{%s%s, le="%v"}`, of, kind, le)] += in
	}
	p[fmt.Sprintf(`authtrip_token_wait_duration_seconds_bucket{%s%s, le="+Inf"}`, of, kind)] += n
}

// replays counts one that became of a rejected request.
func (p process) replays(outcome string) {
	p[fmt.Sprintf(`authtrip_request_replays_total{%s, authtrip_replay_outcome=%q}`, of, outcome)]++
}

// left is the remaining lifetime in seconds.
func (p process) left(seconds float64) {
	p[fmt.Sprintf(`authtrip_token_remaining_lifetime_seconds{%s}`, of)] = seconds
}

func (p process) circuit(state string) {
	for _, s := range []string{"closed", "half-open", "open"} {
		v := 0.0
		if s == state {
			v = 1
		}
		p[fmt.Sprintf(`authtrip_circuit_state{server_address="auth.example.com", server_port="443", authtrip_circuit_state=%q}`, s)] = v
	}
}

// scraped adds what p shows to s.
func (p process) scraped(s *server, instance string) {
	s.t.Helper()
	for series, v := range p {
		l, known := s.parsed[series+instance]
		if !known {
			of, err := parser.NewParser(parser.Options{}).ParseMetric(series)
			if err != nil {
				s.t.Fatal(series, err)
			}
			l = labels.NewBuilder(of).Set("job", "shop").Set("instance", instance).Labels()
			s.parsed[series+instance] = l
		}
		s.add(l, v)
	}
}
