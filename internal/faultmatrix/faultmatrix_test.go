package faultmatrix

import (
	"os"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	if Role() {
		return
	}
	os.Exit(m.Run())
}

// All cells take a minute; under the race detector, where they would take many,
// each fault is in one.
func TestEveryCellIsAsTheDesignSays(t *testing.T) {
	s := Fast()
	cells := s.Cells()
	if raceDetector {
		s.FetchTimeout, s.Short, s.Long, s.Slack, s.Parallel = 6*time.Second, 3*time.Second, 11*time.Second, 5*time.Second, 4
		cells = s.Sample()
	}
	err := Run(cells, s.Parallel, func(r Result, err error) {
		t.Run(strings.ReplaceAll(r.Cell.String(), "/", "-"), func(t *testing.T) {
			if err != nil {
				t.Fatal(err)
			}
			for _, wrong := range r.Check() {
				t.Error(wrong)
			}
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}
