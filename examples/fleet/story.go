package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// story has the acts happen, and returns what did not go as it should.
func story(ctx context.Context, size size, acts []act) error {
	if size.processes < 1 || size.workers < 1 {
		return errors.New("there must be at least one process, and one worker in it")
	}
	began := time.Now()
	s, end, err := newStage(ctx, size)
	defer end()
	if err != nil {
		return err
	}
	fmt.Printf("%d processes of %d workers, a redis-server and an emulated NHN Cloud, on loopback\n\n", size.processes, size.workers)
	t := newTable(s)
	for _, a := range acts {
		err := a.do(s)
		if err == nil {
			err = s.pass(300 * time.Millisecond) // a call too many may come late
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s: not finished: %w", a.what, ctx.Err())
		}
		if added := t.add(a); err == nil {
			err = added
		}
		if err != nil {
			return errors.Join(append(t.faults, fmt.Errorf("%s: %w", a.what, err))...)
		}
	}
	fmt.Printf("\n%s\n%.0f s\n", t.told(), time.Since(began).Seconds())
	return errors.Join(t.faults...)
}
