package main

import "time"

// act is one thing that happens to the fleet, and the token calls that it costs:
// just so many in all, or at most so many in each process.
type act struct {
	what  string
	do    func(*stage) error
	calls int
	each  bool
}

const inAll, inEach = false, true

// No act begins before all processes use the token, or each the one, that the
// last one ended with. For a revocation that matters. Each process renews its
// token behind its requests, about when two thirds of its lifetime are over. So
// for a moment after one of them did, the others use an older token, which is
// good still; as they do after an outage. When all tokens are revoked just then,
// who is rejected finds in Redis another token, which is as dead as its own, and
// some requests get a 401 back, once.
var wholeStory = []act{
	{"cold start: Redis is empty, all workers begin at once", (*stage).coldStart, 1, inAll},
	{"all tokens are revoked, 3 times", (*stage).revocations, 3, inAll},
	{"the token nears its end, 3 times", (*stage).renewals, 3, inAll},
	{"the token ends while all rest, then all begin at once", (*stage).expiry, 1, inAll},
	{"Redis is killed, and all tokens are revoked", (*stage).outage, 1, inEach},
	{"Redis is down, and all tokens near their end", (*stage).outageGoesOn, 1, inEach},
	{"Redis is back, and all tokens near their end, twice", (*stage).recovery, 2, inAll},
	{"all tokens are revoked once more", (*stage).revocation, 1, inAll},
	{"Redis is killed, all processes end, all start again", (*stage).restart, 0, inAll},
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
	if err := s.fleet.order(send); err != nil {
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
	if err := s.fleet.order(rest); err != nil {
		return err
	}
	s.cloud.SetLifetime(long)
	if err := s.pass(short); err != nil {
		return err
	}
	if err := s.fleet.order(send); err != nil {
		return err
	}
	return s.share(n)
}

func (s *stage) outage() error {
	n := s.usage.last()
	s.cloud.SetLifetime(short)
	s.redis.kill()
	s.outages++
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

// recovery is twice a renewal, so that who found Redis away still, by a
// connection of before, finds it.
func (s *stage) recovery() error {
	n := s.usage.last()
	s.cloud.SetLifetime(short)
	if err := s.redis.start(s.ctx); err != nil {
		return err
	}
	if err := s.share(n); err != nil {
		return err
	}
	n = s.usage.last()
	s.cloud.SetLifetime(long)
	return s.share(n)
}

// restart finds the token in what Redis has written down.
func (s *stage) restart() error {
	if err := s.fleet.order(rest); err != nil {
		return err
	}
	s.fleet.stop()
	s.redis.kill()
	if err := s.redis.start(s.ctx); err != nil {
		return err
	}
	if err := s.fleet.start(s.ctx, s.task); err != nil {
		return err
	}
	if err := s.fleet.order(send); err != nil {
		return err
	}
	return s.pass(1500 * time.Millisecond) // at least a request of each worker
}
