package dashboardtest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/promql"
)

// server is a Prometheus without its process: its parser and its engine.
type server struct {
	t      *testing.T
	db     *memory
	engine *promql.Engine
	begun  time.Time
	now    time.Time // when it scraped last
	names  map[string]bool
}

// interval is that between scrapes.
const interval = 30 * time.Second

func newServer(t *testing.T) *server {
	t.Helper()
	begun := time.Now().Truncate(time.Minute)
	return &server{t: t, db: &memory{map[string]*series{}}, begun: begun, now: begun.Add(-interval), names: map[string]bool{}, engine: promql.NewEngine(promql.EngineOpts{
		MaxSamples: 1_000_000, Timeout: 10 * time.Second, LookbackDelta: 5 * time.Minute, EnableAtModifier: true, EnableNegativeOffset: true,
	})}
}

// scrape takes what url shows, an interval after the last time, with the labels
// that Prometheus adds.
func (s *server) scrape(url string) {
	s.t.Helper()
	s.now = s.now.Add(interval)
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
	for {
		entry, err := parser.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			s.t.Fatal(err)
		}
		if entry != textparse.EntrySeries {
			continue
		}
		_, _, value := parser.Series()
		var l labels.Labels
		parser.Labels(&l)
		s.names[l.Get(model.MetricNameLabel)] = true
		s.db.add(labels.NewBuilder(l).Set("job", "shop").Set("instance", "127.0.0.1:9090").Labels(), s.now.UnixMilli(), value)
	}
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
