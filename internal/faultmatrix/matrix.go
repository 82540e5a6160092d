package faultmatrix

import (
	"fmt"
	"sync"
	"time"
)

// Full has the library's defaults but for the times, which are shorter so that
// the matrix takes minutes: a token call has 3 s, the circuit is probed every
// 1 to 2 s.
func Full() Settings {
	return Settings{
		Workers: 200, Think: 200 * time.Millisecond,
		FetchTimeout: 3 * time.Second, BreakerDelay: time.Second, BreakerMax: 2 * time.Second,
		After: 3 * time.Second, Short: 8 * time.Second, Long: 12 * time.Second,
		Slack: time.Second, Attempts: 1, Parallel: 4,
	}
}

// Fast is for tests.
func Fast() Settings {
	return Settings{
		Workers: 200, Think: 300 * time.Millisecond,
		FetchTimeout: 2400 * time.Millisecond, BreakerDelay: 400 * time.Millisecond, BreakerMax: 400 * time.Millisecond,
		After: 2 * time.Second, Short: time.Second, Long: 5 * time.Second,
		Slack: 3 * time.Second, Attempts: 3, Parallel: 8,
	}
}

// Cells are all cells of the matrix.
func (s Settings) Cells() (cells []Cell) {
	for _, f := range faults(s.After) {
		for _, a := range ages {
			for _, m := range methods {
				cells = append(cells, Cell{Settings: s, Fault: f, Age: a, Method: m})
			}
		}
	}
	return cells
}

// Sample has one cell of each fault, and each age and method in turn.
func (s Settings) Sample() (cells []Cell) {
	for i, f := range faults(s.After) {
		cells = append(cells, Cell{Settings: s, Fault: f, Age: ages[i%len(ages)], Method: methods[i%len(methods)]})
	}
	return cells
}

func (c Cell) String() string { return fmt.Sprintf("%s, %s, %s", c.Fault.Title, c.Age, c.Method) }

// Run runs all cells and calls each with its result as it comes, one at a time.
func Run(cells []Cell, parallel int, each func(Result, error)) error {
	bombPart() // it takes a while
	trusted, err := newAuthority()
	if err != nil {
		return err
	}
	var mu sync.Mutex // each is called with
	var wg sync.WaitGroup
	next := make(chan Cell)
	for range parallel {
		wg.Go(func() {
			for c := range next {
				r, err := c.Run(trusted)
				mu.Lock()
				each(r, err)
				mu.Unlock()
			}
		})
	}
	for _, c := range cells {
		next <- c
	}
	close(next)
	wg.Wait()
	return nil
}
