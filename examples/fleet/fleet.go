package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"time"
)

// fleet is the processes.
type fleet struct{ all []*process }

// process is one of them, seen from the program that started it.
type process struct {
	number  int
	cmd     *exec.Cmd
	in      io.WriteCloser
	orders  *json.Encoder
	reports *json.Decoder
}

// startFleet starts processes with that task. Close the fleet that it returns,
// with an error too.
func startFleet(size size, t task) (*fleet, error) {
	f := &fleet{}
	for n := range size.processes {
		cmd, in, out, err := startAgain(processRole)
		if err != nil {
			return f, err
		}
		p := &process{n, cmd, in, json.NewEncoder(in), json.NewDecoder(out)}
		f.all = append(f.all, p)
		t.Process, t.Workers = n, size.workers
		if err := p.orders.Encode(t); err != nil {
			return f, err
		}
	}
	_, err := f.order(count) // which they obey when they are ready
	return f, err
}

// order has all processes do o at once, and returns their reports when the last
// one did.
func (f *fleet) order(o order) ([]report, error) {
	reports, errs := make([]report, len(f.all)), make([]error, len(f.all))
	var wg sync.WaitGroup
	for i, p := range f.all {
		wg.Go(func() {
			err := p.orders.Encode(o)
			if err == nil {
				err = p.reports.Decode(&reports[i])
			}
			if err != nil {
				errs[i] = fmt.Errorf("process %d does not answer: %w", p.number, err)
			}
		})
	}
	wg.Wait()
	return reports, errors.Join(errs...)
}

// close ends the processes.
func (f *fleet) close() {
	for _, p := range f.all {
		_ = p.in.Close()
	}
	for _, p := range f.all {
		late := time.AfterFunc(10*time.Second, func() { _ = p.cmd.Process.Kill() })
		_ = p.cmd.Wait()
		late.Stop()
	}
}
