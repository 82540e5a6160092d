package dashboardtest

import (
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
)

// server is a Prometheus without its process: its parser and its engine.
type server struct {
	t      *testing.T
	db     *memory
	engine *promql.Engine
	begun  time.Time
	now    time.Time // when it scraped last

	interval time.Duration // that between scrapes
	names    map[string]bool
	rules    []rulefmt.Rule
	shown    map[string]labels.Labels // the series of the scrapes and rules of last time
	active   map[string]time.Time     // since when an alert's expression has a series
	parsed   map[string]labels.Labels // those of a process's series
}

// interval is that between scrapes of a real program.
const interval = 30 * time.Second

func newServer(t *testing.T) *server {
	t.Helper()
	begun := time.Now().Truncate(time.Minute)
	return &server{t: t, interval: interval, rules: rules(t), active: map[string]time.Time{}, parsed: map[string]labels.Labels{}, db: &memory{map[string]*series{}}, begun: begun, now: begun.Add(-interval), names: map[string]bool{}, engine: promql.NewEngine(promql.EngineOpts{
		MaxSamples: 1_000_000, Timeout: 10 * time.Second, LookbackDelta: 5 * time.Minute, EnableAtModifier: true, EnableNegativeOffset: true,
	})}
}

// scrape takes what url shows, an interval after the last time, with the labels
// that Prometheus adds.
func (s *server) scrape(url string) {
	s.t.Helper()
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	// As Prometheus 3 asks.
	req.Header.Set("Accept", "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.5")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	page, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		s.t.Fatalf("/metrics answers %s, %v: %s", res.Status, err, page)
	}
	parser, err := textparse.New(page, res.Header.Get("Content-Type"), nil, textparse.ParserOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	s.step(func() {
		for {
			entry, err := parser.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				s.t.Fatal(err)
			}
			if entry != textparse.EntrySeries {
				continue
			}
			_, _, v := parser.Series()
			var l labels.Labels
			parser.Labels(&l)
			s.names[l.Get(model.MetricNameLabel)] = true
			s.add(labels.NewBuilder(l).Set("job", "shop").Set("instance", "127.0.0.1:9090").Labels(), v)
		}
	})
}

// step is what happens at each interval: the targets are scraped, then the rules
// evaluated. It returns the alerts that fire, by name and labels.
func (s *server) step(scrape func()) []labels.Labels {
	s.t.Helper()
	s.now = s.now.Add(s.interval)
	before := s.shown
	s.shown = map[string]labels.Labels{}
	scrape()
	for name, l := range before {
		if _, still := s.shown[name]; !still && !strings.HasPrefix(l.Get(model.MetricNameLabel), "authtrip:") {
			s.db.add(l, s.now.UnixMilli(), math.Float64frombits(value.StaleNaN))
		}
	}
	firing := s.evaluate()
	for name, l := range before {
		if _, still := s.shown[name]; !still && strings.HasPrefix(l.Get(model.MetricNameLabel), "authtrip:") {
			s.db.add(l, s.now.UnixMilli(), math.Float64frombits(value.StaleNaN))
		}
	}
	return firing
}

func (s *server) add(l labels.Labels, v float64) {
	s.shown[l.String()] = l
	s.db.add(l, s.now.UnixMilli(), v)
}

// evaluate records what rules record, and returns the alerts that have been
// active for as long as they must.
func (s *server) evaluate() []labels.Labels {
	s.t.Helper()
	var firing []labels.Labels
	active := map[string]time.Time{}
	for _, r := range s.rules {
		for _, series := range s.query(r.Expr) {
			if r.Record != "" {
				s.add(labels.NewBuilder(series.Metric).Set(model.MetricNameLabel, r.Record).Labels(), series.F)
				continue
			}
			l := labels.NewBuilder(series.Metric).Set("alertname", r.Alert).Labels()
			since, was := s.active[l.String()]
			if !was {
				since = s.now
			}
			active[l.String()] = since
			if s.now.Sub(since) >= time.Duration(r.For) {
				firing = append(firing, l)
			}
		}
	}
	s.active = active
	return firing
}

// query runs an expression as of the last scrape.
func (s *server) query(expr string) promql.Vector {
	s.t.Helper()
	q, err := s.engine.NewInstantQuery(context.Background(), s.db, nil, expr, s.now)
	if err != nil {
		s.t.Fatalf("%s: %v", expr, err)
	}
	defer q.Close()
	v, err := q.Exec(context.Background()).Vector()
	if err != nil {
		s.t.Fatalf("%s: %v", expr, err)
	}
	return append(promql.Vector(nil), v...)
}

// graph runs it as a panel does, over all the time there is.
func (s *server) graph(expr string) promql.Matrix {
	s.t.Helper()
	q, err := s.engine.NewRangeQuery(context.Background(), s.db, nil, expr, s.begun, s.now, interval)
	if err != nil {
		s.t.Fatalf("%s: %v", expr, err)
	}
	defer q.Close()
	m, err := q.Exec(context.Background()).Matrix()
	if err != nil {
		s.t.Fatalf("%s: %v", expr, err)
	}
	all := make(promql.Matrix, len(m))
	for i, series := range m { // whose points are the query's own
		all[i] = promql.Series{Metric: series.Metric, Floats: append([]promql.FPoint(nil), series.Floats...)}
	}
	return all
}
