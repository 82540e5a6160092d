package dashboardtest

import (
	"context"
	"errors"
	"testing"
)

// A circuit that is open for two processes is one, and a token that has ended is
// no alarm.
func TestTheDashboardOfTwoProcesses(t *testing.T) {
	s := newServer(t)
	s.step(func() {
		for _, at := range []string{"a:1", "b:1"} {
			p := process{}
			p.circuit("open")
			p.left(map[string]float64{"a:1": 0, "b:1": 3000}[at])
			p.scraped(s, at)
		}
	})
	for title, want := range map[string]float64{"Circuits open": 1, "Shortest remaining lifetime": 3000} {
		if got := s.query(filled(titled(t, title).Targets[0].Expr)); len(got) != 1 || got[0].F != want {
			t.Errorf("%q shows %v, want %v", title, got, want)
		}
	}
}

// Waits do not look shorter the more requests an open circuit turns away.
func TestWaitsAreThoseOfRequestsThatWaited(t *testing.T) {
	s := newServer(t)
	s.step(func() {
		p := process{}
		p.waits(1, 4, "")
		p.waits(100, 0, "circuit_open")
		p.waits(100, 0, "authorization_required")
		p.scraped(s, "a:1")
	})
	if got := s.query(filled(titled(t, "Waits for a token, p95").Targets[0].Expr)); len(got) != 1 || got[0].F < 1 {
		t.Errorf("the panel shows %v, want some seconds", got)
	}
}

func titled(t *testing.T, title string) panel {
	t.Helper()
	for _, p := range load(t).Panels {
		if p.Title == title {
			return p
		}
	}
	t.Fatalf("there is no panel %q", title)
	return panel{}
}

// Token calls are rare: what happened once shows, be it that a scrape saw the
// series before or not.
func TestWhatHappenedOnceShows(t *testing.T) {
	for name, scrapesBefore := range map[string]int{"before the first scrape": 0, "after one": 1} {
		t.Run(name, func(t *testing.T) {
			p, s := newProgram(t), newServer(t)
			c := p.clients[0]
			for range scrapesBefore {
				s.scrape(p.metrics)
			}
			p.fine(c)
			c.tel.Hooks().StoreFailed("payments", errors.New("down"))
			c.tel.Hooks().Undecided(context.Background(), "payments", errors.New("cut off"))
			for range 10 {
				s.scrape(p.metrics)
			}
			for title, want := range map[string]float64{
				"Token calls by outcome": 3, "Token calls by reason": 3, "Rejections": 1, "Replays": 1,
				"Users' records not read or saved": 1, "Envelopes that could not be judged": 1,
			} {
				if got := s.total(title); got != want {
					t.Errorf("%q shows %v, want %v", title, got, want)
				}
			}
			for _, title := range []string{"Token call duration, p95", "Waits for a token, p95", "Requests that waited"} {
				if got := s.total(title); !(got > 0) {
					t.Errorf("%q shows %v", title, got)
				}
			}
		})
	}
}

// total is the sum of what a panel shows.
func (s *server) total(title string) float64 {
	s.t.Helper()
	sum := 0.0
	for _, series := range s.query(filled(titled(s.t, title).Targets[0].Expr)) {
		sum += series.F
	}
	return sum
}
