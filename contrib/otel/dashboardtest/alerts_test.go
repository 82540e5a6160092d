package dashboardtest

import (
	"log/slog"
	"os"
	"strings"
	"testing"

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
	for _, r := range rules(t) {
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
	for _, r := range rules(t) {
		if got := s.query(r.Expr); len(got) != 0 {
			t.Errorf("%s fires: %v", r.Alert, got)
		}
	}
}
