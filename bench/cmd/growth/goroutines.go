package main

import (
	"errors"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/authtrip/authtrip/bench/crowd"
	"github.com/authtrip/authtrip/bench/fake"
	"github.com/authtrip/authtrip/bench/harness"
	"github.com/authtrip/authtrip/bench/peer"
)

// requestsOfRound are so many that garbage is collected a few times, and
// requestsEach so many that waking a goroutine does not count.
const (
	requestsOfRound = 100_000
	requestsEach    = 30
)

// line is what is measured of one peer, or of one way of having tenants.
type line struct {
	name string
	ns   []float64 // medians, by count
}

// byGoroutines sends the same number of requests by ever more goroutines. The
// peers take turns.
func byGoroutines(peers string) ([]harness.Row, error) {
	a := &fake.Auth{Lifetime: 24 * time.Hour, TokenLen: 1024}
	a.Start()
	defer a.Close()
	var lines []*line
	var trips []http.RoundTripper
	for name := range strings.SplitSeq(peers, ",") {
		p, err := peer.ByName(name)
		if err != nil {
			return nil, err
		}
		rt, err := p.New(peer.Config{
			TokenURL: a.TokenURL(), ClientID: "id", ClientSecret: "secret", TokenTransport: a.Transport(),
			TokenTimeout: 5 * time.Second, Base: fake.Stub{Fresh: p.FreshResponse},
		})
		if err != nil {
			return nil, err
		}
		if err := crowd.Send(rt, fake.Request(fake.URL)); err != nil {
			return nil, err
		}
		trips, lines = append(trips, rt), append(lines, &line{name: name})
	}
	for _, count := range goroutineCounts {
		took := make([][]float64, len(trips))
		for range rounds {
			for i, rt := range trips {
				ns, err := together(rt, count)
				if err != nil {
					return nil, err
				}
				took[i] = append(took[i], ns)
			}
		}
		for i, l := range lines {
			l.ns = append(l.ns, harness.Median(took[i]))
		}
	}
	floor := lines[max(0, slices.IndexFunc(lines, func(l *line) bool { return l.name == floorName }))]
	var rows []harness.Row
	for _, l := range lines {
		rows = append(rows, rowOf(l, floor, goroutineCounts))
	}
	return rows, nil
}

// together sends requests by so many goroutines at once, and returns the
// processor time of a request.
func together(rt http.RoundTripper, goroutines int) (float64, error) {
	var (
		ready, done sync.WaitGroup
		gate        = make(chan struct{})
		failed      atomic.Bool
		each        = max(requestsEach, requestsOfRound/goroutines)
	)
	ready.Add(goroutines)
	for range goroutines {
		done.Go(func() {
			req := fake.Request(fake.URL)
			ready.Done()
			<-gate
			for range each {
				if _, err := rt.RoundTrip(req); err != nil {
					failed.Store(true)
				}
			}
		})
	}
	ready.Wait()
	runtime.GC()
	start := processor()
	close(gate)
	done.Wait()
	took := processor() - start
	if failed.Load() {
		return 0, errors.New("a request failed")
	}
	return float64(took.Nanoseconds()) / float64(each*goroutines), nil
}

func rowOf(l, floor *line, counts []int) harness.Row {
	row := harness.Row{Name: l.name}
	for i, ns := range l.ns {
		row.Cells = append(row.Cells, harness.Value(strconv.Itoa(counts[i]), ns, ""))
	}
	growth := func(l *line) float64 { return slices.Max(l.ns) / l.ns[0] }
	row.Cells = append(row.Cells,
		harness.Value("most / first", growth(l), "×"), harness.Value(colSteeper, growth(l)/growth(floor), "×"))
	return row
}
