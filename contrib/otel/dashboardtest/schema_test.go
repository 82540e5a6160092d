package dashboardtest

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The tables of metrics name what a program shows, all of it and nothing else.
func TestTheDocumentedMetricsAreThoseThatAreShown(t *testing.T) {
	s := ailing(t)
	shown := map[string]bool{}
	for name := range s.names {
		if strings.HasPrefix(name, "authtrip_") {
			for _, part := range []string{"_bucket", "_count", "_sum"} {
				name = strings.TrimSuffix(name, part)
			}
			shown[name] = true
		}
	}
	page, err := os.ReadFile("../../../docs/otel.md")
	if err != nil {
		t.Fatal(err)
	}
	guide, err := os.ReadFile("../doc.go")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `([a-z_.]+)` \\| `(authtrip_[a-z_]+)` \\| [^|]* \\| ([^|]*)\\|$").FindAllStringSubmatch(string(page), -1)
	var documented []string
	for _, row := range rows {
		documented = append(documented, row[2])
		if !shown[row[2]] {
			t.Errorf("docs/otel.md has %s, and nothing shows it", row[2])
		}
		if !strings.Contains(string(guide), row[1]) {
			t.Errorf("the package's documentation lacks %s", row[1])
		}
		labelled(t, s, row[2], row[3])
	}
	for name := range shown {
		if !slices.Contains(documented, name) {
			t.Errorf("docs/otel.md lacks %s", name)
		}
	}
}

// labelled expects of a metric's series the labels that its row has, and no more
// but those that every metric has.
func labelled(t *testing.T, s *server, metric, row string) {
	t.Helper()
	want := map[string]bool{}
	for _, m := range regexp.MustCompile("`([a-z_.]+)`").FindAllStringSubmatch(row, -1) {
		want[strings.ReplaceAll(m[1], ".", "_")] = true
	}
	got := map[string]bool{}
	for _, series := range s.query(`{__name__=~"` + metric + `(_count)?"}`) {
		for name := range series.Metric.Map() {
			if !want[name] && name != "job" && name != "instance" && name != "__name__" && name != "otel_metric_overflow" && !strings.HasPrefix(name, "otel_scope_") {
				t.Errorf("%s has a label %s, of which docs/otel.md says nothing", metric, name)
			}
			got[name] = true
		}
	}
	for name := range want {
		if !got[name] {
			t.Errorf("no series of %s has the label %s", metric, name)
		}
	}
}
