package dashboardtest

import (
	"encoding/json"
	"math"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql"
)

// dashboard is what matters here of Grafana's format.
type dashboard struct {
	Title, UID    string
	SchemaVersion int
	Templating    struct {
		List []struct {
			Name, Type, Definition, AllValue string
			Query                            json.RawMessage
			Datasource                       datasource
		}
	}
	Panels []panel
}

type panel struct {
	ID                       int
	Type, Title, Description string
	GridPos                  struct{ X, Y, W, H int }
	Datasource               datasource
	FieldConfig              struct {
		Defaults struct {
			Unit       string
			Thresholds struct {
				Steps []struct {
					Color string
					Value *float64
				}
			}
		}
	}
	Targets []struct {
		Expr, RefID, LegendFormat string
		Datasource                datasource
	}
}

type datasource struct{ Type, UID string }

func load(t *testing.T) dashboard {
	t.Helper()
	file, err := os.ReadFile("../grafana/authtrip.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(file, &d); err != nil {
		t.Fatal(err)
	}
	if d.Title == "" || d.UID == "" || d.SchemaVersion < 36 || len(d.Panels) < 10 {
		t.Fatalf("%q is no dashboard: %d panels, schema %d", d.Title, len(d.Panels), d.SchemaVersion)
	}
	return d
}

// filled is an expression with what Grafana puts in place of the variables when
// all is chosen.
func filled(expr string) string {
	return strings.NewReplacer("$job", ".*", "$registration", ".*", "$__rate_interval", "2m", "$__range", "2m").Replace(expr)
}

// sane says between what a panel's values are, and which labels its series have.
var sane = map[string]struct {
	least, most float64
	labels      []string
}{
	"Circuits open":                      {0, 1, nil},
	"Shortest remaining lifetime":        {1, 240, nil},
	"Failed token calls":                 {0, 100, nil},
	"Stores failing":                     {0, 10, nil},
	"Token calls by outcome":             {0, 100, []string{"authtrip_token_call_outcome"}},
	"Token calls by reason":              {0, 100, []string{"authtrip_token_call_why"}},
	"Token call duration, p95":           {1e-4, 5, []string{"authtrip_registration"}},
	"Failed token calls by error":        {0, 100, []string{"authtrip_registration", "error_type"}},
	"Remaining lifetime by registration": {1, 240, []string{"authtrip_registration"}},
	"Circuit of each server":             {0, 2, []string{"server_address", "server_port"}},
	"Rejections":                         {0, 100, []string{"authtrip_registration", "http_response_status_code"}},
	"Replays":                            {0, 100, []string{"authtrip_replay_outcome"}},
	"Waits for a token, p95":             {1e-4, 5, []string{"authtrip_registration"}},
	"Requests that waited":               {0, 1000, nil},
	"Users' records not read or saved":   {0, 10, []string{"authtrip_registration", "error_type"}},
	"Envelopes that could not be judged": {0, 10, []string{"authtrip_registration"}},
}

func TestEveryQueryOfTheDashboardShowsSomething(t *testing.T) {
	s := ailing(t)
	for _, p := range load(t).Panels {
		want, known := sane[p.Title]
		if !known {
			t.Errorf("nobody says what panel %q is to show", p.Title)
		}
		for _, target := range p.Targets {
			expr := filled(target.Expr)
			if strings.Contains(expr, "$") {
				t.Errorf("%q has a variable that is not filled in: %s", p.Title, expr)
			}
			var some bool
			for _, series := range s.graph(expr) {
				for _, name := range want.labels {
					if !series.Metric.Has(name) && series.Metric.Len() > 0 { // one that overflows has none
						t.Errorf("a series of %q has no label %s: %s", p.Title, name, series.Metric)
					}
				}
				for _, point := range series.Floats {
					if math.IsNaN(point.F) { // of a histogram nothing was added to
						continue
					}
					if point.F < want.least || point.F > want.most {
						t.Errorf("%q shows %v of %s, and %v to %v is what it should", p.Title, point.F, series.Metric, want.least, want.most)
					}
					some = some || point.F > 0
				}
			}
			if !some {
				t.Errorf("%q shows nothing: %s", p.Title, expr)
			}
			legend(t, p.Title, target.LegendFormat, s.query(expr))
		}
	}
}

var label = regexp.MustCompile(`{{(\w+)}}`)

// legend expects that each label in a legend is one that some series has.
func legend(t *testing.T, title, format string, series promql.Vector) {
	t.Helper()
	for _, m := range label.FindAllStringSubmatch(format, -1) {
		found := false
		for _, s := range series {
			found = found || s.Metric.Has(m[1])
		}
		if !found {
			t.Errorf("the legend of %q names %s, which no series has", title, m[1])
		}
	}
}

// colour is the one that a panel has for a value.
func (p panel) colour(v float64) string {
	colour := ""
	for _, step := range p.FieldConfig.Defaults.Thresholds.Steps {
		if step.Value == nil || v >= *step.Value {
			colour = step.Color
		}
	}
	return colour
}

// What the panels show of a program without trouble is no alarm.
func TestTheDashboardOfAProgramWithoutTroubleIsGreen(t *testing.T) {
	s := healthy(t)
	for _, p := range load(t).Panels {
		if p.Type != "stat" {
			continue
		}
		got := s.query(filled(p.Targets[0].Expr))
		if len(got) != 1 || p.colour(got[0].F) != "green" {
			t.Errorf("%q shows %v", p.Title, got)
		}
	}
}

func TestTheVariablesFindWhatThereIs(t *testing.T) {
	s := ailing(t)
	values := regexp.MustCompile(`^label_values\((.*), (\w+)\)$`)
	for _, v := range load(t).Templating.List {
		if v.Type == "datasource" {
			continue
		}
		m := values.FindStringSubmatch(filled(v.Definition))
		if m == nil {
			t.Errorf("%s is %s", v.Name, v.Definition)
			continue
		}
		found := false
		for _, series := range s.query(m[1]) {
			found = found || series.Metric.Get(m[2]) != ""
		}
		if !found {
			t.Errorf("%s finds nothing: %s", v.Name, v.Definition)
		}
	}
}

func TestTheDashboardIsWellFormed(t *testing.T) {
	d := load(t)
	ids, titles := map[int]bool{}, map[string]bool{}
	for i, p := range d.Panels {
		if ids[p.ID] || titles[p.Title] || p.ID == 0 {
			t.Errorf("panel %d, %q, is there twice", p.ID, p.Title)
		}
		ids[p.ID], titles[p.Title] = true, true
		if p.Title == "" || p.Description == "" || p.FieldConfig.Defaults.Unit == "" || len(p.Targets) == 0 {
			t.Errorf("panel %d lacks a title, a description, a unit or a query", p.ID)
		}
		at := p.GridPos
		if at.W <= 0 || at.H <= 0 || at.X < 0 || at.X+at.W > 24 {
			t.Errorf("%q is at %+v", p.Title, at)
		}
		for _, other := range d.Panels[:i] {
			o := other.GridPos
			if at.X < o.X+o.W && o.X < at.X+at.W && at.Y < o.Y+o.H && o.Y < at.Y+at.H {
				t.Errorf("%q lies over %q", p.Title, other.Title)
			}
		}
		for _, target := range p.Targets {
			if p.Datasource.UID != "${datasource}" || target.Datasource.UID != "${datasource}" {
				t.Errorf("%q does not use the data source that was chosen", p.Title)
			}
		}
	}
	if first := d.Templating.List[0]; first.Name != "datasource" || first.Type != "datasource" {
		t.Errorf("the first variable is %q", first.Name)
	}
}
