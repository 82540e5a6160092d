package dashboardtest

import (
	"log/slog"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

// rules are those of docs/otel.md, as Prometheus reads them.
func rules(t *testing.T) []rulefmt.Rule {
	t.Helper()
	page, err := os.ReadFile("../../../docs/otel.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), "```yaml\n")
	block, _, ended := strings.Cut(rest, "```")
	if !found || !ended {
		t.Fatal("docs/otel.md has no block of rules")
	}
	groups, faults := rulefmt.Parse([]byte(block), false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	return groups.Groups[0].Rules
}

func TestEveryAlertFiresInTrouble(t *testing.T) {
	s := ailing(t)
	for _, r := range s.rules {
		if r.Record != "" {
			continue
		}
		if got := s.query(r.Expr); len(got) == 0 {
			t.Errorf("%s does not fire", r.Alert)
		}
		if r.Annotations["summary"] == "" || r.Labels["severity"] == "" {
			t.Errorf("%s has no summary or no severity", r.Alert)
		}
	}
}

func TestNoAlertFiresWithoutTrouble(t *testing.T) {
	s := healthy(t)
	for _, r := range s.rules {
		if got := s.query(r.Expr); r.Record == "" && len(got) != 0 {
			t.Errorf("%s fires: %v", r.Alert, got)
		}
	}
}

// minutes is how long the made-up programs below are watched.
const minutes = 45

// watch scrapes processes each minute, as Prometheus does unless told otherwise, and returns the alerts that fired at
// any time, and those that do at the end. Happens is called before each scrape.
func watch(t *testing.T, happens func(minute float64, a, b process)) (ever, atEnd []string) {
	t.Helper()
	s := newServer(t)
	s.interval = time.Minute
	a, b := process{}, process{}
	for minute := range minutes {
		happens(float64(minute), a, b)
		atEnd = nil
		for _, l := range s.step(func() { a.scraped(s, "a:1"); b.scraped(s, "b:1") }) {
			name := strings.TrimPrefix(l.Get("alertname"), "Authtrip")
			if at := l.Get("instance"); at != "" {
				name += " of " + at
			}
			atEnd = append(atEnd, name)
		}
		ever = append(ever, atEnd...)
	}
	slices.Sort(ever)
	slices.Sort(atEnd)
	return slices.Compact(ever), slices.Compact(atEnd)
}

// works is what happens each minute to a process that works.
func works(minute float64, p process) {
	p.circuit("closed")
	p.left(3600 - 60*math.Mod(minute, 40))
	if math.Mod(minute, 40) == 0 {
		p.call("stale", "issued", "")
		p.waits(1, 0.05, "")
	}
}

func TestAlerts(t *testing.T) {
	for name, c := range map[string]struct {
		happens     func(minute float64, a, b process)
		ever, atEnd string
	}{
		"all is well": {func(m float64, a, b process) { works(m, a); works(m+20, b) }, "", ""},
		"a process begins anew": {func(m float64, a, b process) {
			works(m, b)
			if m == 25 {
				clear(a)
			}
			works(math.Mod(m, 25), a)
		}, "", ""},
		"users, hasty callers and deploys": {func(m float64, a, b process) {
			works(m, b)
			for _, kind := range []string{"authorization_required", "invalid_grant", "closed", "canceled", "caller_timeout"} {
				a.waits(3, 0, kind)
			}
			a.call("stale", "refused", "invalid_grant")
			a.call("expired", "refused", "invalid_grant")
		}, "", ""},
		"one request that got no token": {func(m float64, a, b process) {
			works(m, b)
			if m == 20 {
				a.waits(1, 10, "timeout")
			}
		}, "", ""},
		"a few of many requests get no token": {func(m float64, a, b process) {
			a.waits(50, 0.1, "")
			if math.Mod(m, 4) == 0 {
				a.waits(1, 0.1, "503")
			}
		}, "", ""},
		"a secret that is wrong, once": {func(m float64, a, b process) {
			if m == 20 {
				a.call("first use", "refused", "invalid_client")
			}
		}, "ClientRefused", ""},
		"the same, and scrapes fail for some minutes, long after": {func(m float64, a, b process) {
			if m == 10 {
				a.call("first use", "refused", "invalid_client")
			}
			if m == 30 {
				clear(a)
			}
			if m == 36 {
				a.call("first use", "refused", "invalid_client") // as it was
			}
		}, "ClientRefused", ""},
		"a server that is down": {func(m float64, a, b process) {
			works(m, b)
			a.circuit("open")
			a.waits(5, 0, "circuit_open")
		}, "CircuitOpen, RequestsWithoutToken", "CircuitOpen, RequestsWithoutToken"},
		"a server that is down for a process that begins anew and anew": {func(m float64, a, b process) {
			if math.Mod(m, 3) == 0 {
				clear(a)
			}
			a.circuit("closed")
			a.call("first use", "failed", "503")
			a.waits(1, 0.1, "503")
		}, "RequestsWithoutToken", "RequestsWithoutToken"},
		"a server that hangs": {func(m float64, a, b process) {
			a.circuit([]string{"open", "half-open"}[int(m)%2])
			a.call("stale", "failed", "timeout")
		}, "CircuitOpen, TokenNotRenewed of a:1", "CircuitOpen, TokenNotRenewed of a:1"},
		"a circuit that is open, and nobody asks any more": {func(m float64, a, b process) {
			a.circuit("open")
			if m < 10 {
				a.call("expired", "failed", "503")
				a.waits(1, 1, "503")
			}
		}, "CircuitOpen, RequestsWithoutToken", ""},
		"a Store that fails, and nobody asks any more": {func(m float64, a, b process) {
			a["authtrip_store_failing{}"] = 1
			if m < 15 {
				a.call("expired", "issued", "")
			}
		}, "StoreFails", ""},
		"one of two processes does not renew": {func(m float64, a, b process) {
			b.call("stale", "issued", "")
			a.call("stale", "failed", "503")
		}, "TokenNotRenewed of a:1", "TokenNotRenewed of a:1"},
		"renewals fail now and then": {func(m float64, a, b process) {
			a.call("stale", "issued", "")
			if math.Mod(m, 4) == 0 {
				a.call("stale", "failed", "503")
			}
		}, "", ""},
		"one ends soon, the other's calls fail": {func(m float64, a, b process) {
			a.left(0)
			b.left(3000)
			b.call("rejected", "failed", "503")
		}, "", ""},
		"one ends soon and its calls fail": {func(m float64, a, b process) {
			a.left(max(0, 600-10*m))
			a.call("expired", "failed", "503")
			b.left(3000)
			b.call("stale", "issued", "")
		}, "TokenEndsSoon of a:1", "TokenEndsSoon of a:1"},
		"its calls failed, and the next one did not": {func(m float64, a, b process) {
			a.left(200)
			if m == 20 {
				a.call("expired", "failed", "503")
			}
			if m > 20 {
				a.call("expired", "issued", "")
			}
		}, "", ""},
		"requests that wait for long, and an open circuit": {func(m float64, a, b process) {
			a.waits(1, 4, "")
			a.waits(100, 0, "circuit_open")
		}, "LongWaits, RequestsWithoutToken", "LongWaits, RequestsWithoutToken"},
		"rejections that callers get": {func(m float64, a, b process) { a.replays("rejected") }, "RejectionsReachCallers", "RejectionsReachCallers"},
		"one of them": {func(m float64, a, b process) {
			a["authtrip_request_replays_total{"+of+`, authtrip_replay_outcome="rejected"}`] += 0
			if m == 20 {
				a.replays("rejected")
			}
		}, "", ""},
		"a login that is not saved, once": {func(m float64, a, b process) {
			if m == 20 {
				a["authtrip_store_record_failures_total{"+of+`, error_type="_OTHER"}`]++
			}
		}, "LoginsNotKept", ""},
	} {
		t.Run(name, func(t *testing.T) {
			ever, atEnd := watch(t, c.happens)
			if got := strings.Join(ever, ", "); got != c.ever {
				t.Errorf("%q fired, want %q", got, c.ever)
			}
			if got := strings.Join(atEnd, ", "); got != c.atEnd {
				t.Errorf("%q fires at the end, want %q", got, c.atEnd)
			}
		})
	}
}

// A histogram has three names, and is one.
func TestTooManySeriesAreToldOnce(t *testing.T) {
	s := newServer(t)
	firing := s.step(func() {
		p := process{}
		for _, part := range []string{"bucket", "count", "sum"} {
			p[`authtrip_token_wait_duration_seconds_`+part+`{otel_metric_overflow="true"}`] = 1
		}
		p.scraped(s, "a:1")
	})
	if len(firing) != 1 {
		t.Errorf("it fires %d times: %v", len(firing), firing)
	}
}
