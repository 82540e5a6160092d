package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"time"
)

// fleet is the processes, and what they reported.
type fleet struct {
	size size
	all  []*process // empty: they do not run

	requests, failed int
	failures         []string
	changes          [][]string // by process; what Hooks.StoreChanged was told
}

type size struct{ processes, workers int }

// process is one of them, seen from the program that started it.
type process struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	orders  *json.Encoder
	reports *json.Decoder
}

// newFleet returns one that does not run.
func newFleet(size size) *fleet {
	return &fleet{size: size, changes: make([][]string, size.processes)}
}

// start starts processes with that task, whose workers rest. When ctx ends they
// are killed, so that nothing waits for one that hangs.
func (f *fleet) start(ctx context.Context, t task) error {
	for n := range f.size.processes {
		cmd, in, out, err := startAgain(ctx, processRole)
		if err != nil {
			return err
		}
		p := &process{cmd, in, json.NewEncoder(in), json.NewDecoder(out)}
		f.all = append(f.all, p)
		t.Process, t.Workers = n, f.size.workers
		if err := p.orders.Encode(t); err != nil {
			return err
		}
	}
	return f.order(count) // which they obey when they are ready
}

// order has all processes do o at once, and returns when the last one has done it
// and reported.
func (f *fleet) order(o order) error {
	reports, errs := make([]report, len(f.all)), make([]error, len(f.all))
	var wg sync.WaitGroup
	for i, p := range f.all {
		wg.Go(func() {
			err := p.orders.Encode(o)
			if err == nil {
				err = p.reports.Decode(&reports[i])
			}
			if err != nil {
				errs[i] = fmt.Errorf("process %d does not answer: %w", i, err)
			}
		})
	}
	wg.Wait()
	for i, r := range reports {
		f.requests += r.Requests
		f.failed += r.Failed
		f.failures = append(f.failures, r.Failures...)
		f.changes[i] = append(f.changes[i], r.StoreChanges...)
	}
	return errors.Join(errs...)
}

// stop ends the processes.
func (f *fleet) stop() {
	for _, p := range f.all {
		_ = p.in.Close()
	}
	for _, p := range f.all {
		late := time.AfterFunc(10*time.Second, func() { _ = p.cmd.Process.Kill() })
		_ = p.cmd.Wait()
		late.Stop()
	}
	f.all = nil
}
