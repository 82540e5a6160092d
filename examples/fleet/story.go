package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// act is one thing that happens to the fleet, and what it may cost.
type act struct {
	what  string
	do    func(*stage) error
	calls func(size) (want int, atMost bool)
}

func calls(n int) func(size) (int, bool) { return func(size) (int, bool) { return n, false } }

func oneEach(s size) (int, bool) { return s.processes, true }

// No act begins before all processes use the token, or each the one, that the
// last one ended with. In one place that matters: a process renews its token
// behind its requests when two thirds of its lifetime are over, within 5 %, so that
// for a moment after another process did, the two use different tokens, both of
// them good. When all tokens are revoked just then, a process that is rejected
// finds the other's in Redis, which is as dead as its own, and a few requests get
// a 401 back, once. So an act that revokes begins with a token that lives long.
var wholeStory = []act{
	{"cold start: Redis is empty, all workers begin at once", (*stage).coldStart, calls(1)},
	{"all tokens are revoked, 3 times", (*stage).revocations, calls(3)},
	{"the token nears its end, 3 times", (*stage).renewals, calls(3)},
	{"the token ends while all rest, then all begin at once", (*stage).expiry, calls(1)},
	{"Redis is killed, and all tokens are revoked", (*stage).outage, oneEach},
	{"Redis is down, and all tokens near their end", (*stage).outageGoesOn, oneEach},
	{"Redis is back, and all tokens near their end", (*stage).recovery, calls(1)},
	{"all tokens are revoked once more", (*stage).revocation, calls(1)},
}

// Lifetimes are short where a token is to end, and long where none is to end by
// itself. They leave time for a slow machine to begin the next act before the
// token is renewed.
const (
	short  = 4 * time.Second
	longer = 6 * time.Second // Redis starts again in half of it
	long   = time.Hour
)

func (s *stage) coldStart() error {
	s.cloud.SetLifetime(long)
	if _, err := s.fleet.order(send); err != nil {
		return err
	}
	return s.share(0)
}

func (s *stage) revocation() error {
	n := s.usage.last()
	s.cloud.RevokeAll()
	return s.share(n)
}

func (s *stage) revocations() error {
	for last := range 3 {
		if err := s.pass(time.Second); err != nil {
			return err
		}
		if last == 2 {
			s.cloud.SetLifetime(short) // for what comes then
		}
		if err := s.revocation(); err != nil {
			return err
		}
	}
	return nil
}

// renewals happen by themselves.
func (s *stage) renewals() error {
	for range 3 {
		if err := s.share(s.usage.last()); err != nil {
			return err
		}
	}
	return nil
}

func (s *stage) expiry() error {
	n := s.usage.last()
	if _, err := s.fleet.order(rest); err != nil {
		return err
	}
	s.cloud.SetLifetime(long)
	if err := s.pass(short); err != nil {
		return err
	}
	if _, err := s.fleet.order(send); err != nil {
		return err
	}
	return s.share(n)
}

func (s *stage) outage() error {
	n := s.usage.last()
	s.cloud.SetLifetime(short)
	s.redis.kill()
	s.cloud.RevokeAll()
	err := s.own(n)
	s.cloud.SetLifetime(longer)
	return err
}

func (s *stage) outageGoesOn() error {
	err := s.own(s.usage.last())
	s.cloud.SetLifetime(long)
	return err
}

func (s *stage) recovery() error {
	n := s.usage.last()
	s.cloud.SetLifetime(long)
	if err := s.redis.start(s.ctx); err != nil {
		return err
	}
	return s.share(n)
}

// story has the acts happen, and returns what did not go as it should.
func story(ctx context.Context, size size, acts []act) error {
	began := time.Now()
	s, end, err := newStage(ctx, size)
	defer end()
	if err != nil {
		return err
	}
	fmt.Printf("%d processes of %d workers, a redis-server and an emulated NHN Cloud, on loopback\n\n", size.processes, size.workers)
	t, err := newTable(s)
	if err != nil {
		return err
	}
	for _, a := range acts {
		err := a.do(s)
		if err == nil {
			err = s.pass(300 * time.Millisecond) // a call too many may come late
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
