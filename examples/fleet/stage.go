package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/authtrip/authtrip/authtest"
)

// stage is an emulated NHN Cloud, a Redis, and a fleet whose workers rest.
type stage struct {
	ctx   context.Context
	cloud *authtest.NHN
	usage *usage
	redis *redisServer
	fleet *fleet
	task  task

	outages int // of Redis, so far
}

// newStage starts it all. End it, with an error too.
func newStage(ctx context.Context, size size) (s *stage, end func(), err error) {
	s = &stage{ctx: ctx, usage: newUsage(), fleet: newFleet(size)}
	if s.redis, err = newRedisServer(); err != nil {
		return nil, func() {}, err
	}
	s.cloud = authtest.NewNHN(authtest.API(s.usage))
	end = func() {
		s.fleet.stop()
		s.cloud.Close()
		s.redis.close()
	}
	if err := s.redis.start(ctx); err != nil {
		return s, end, err
	}
	known := s.cloud.Credentials()
	s.task = task{
		AuthURL: s.cloud.AuthURL, APIURL: s.cloud.APIURL,
		UserAccessKeyID: known.UserAccessKeyID, SecretAccessKey: known.SecretAccessKey.Reveal(),
		RedisAddr: s.redis.addr, RedisPassword: s.redis.password, EncryptionKey: newKey(),
	}
	return s, end, s.fleet.start(ctx, s.task)
}

// newKey is what "openssl rand -base64 32" prints.
func newKey() string {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // it never fails
	return base64.StdEncoding.EncodeToString(key)
}

// pass waits.
func (s *stage) pass(d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
}

// share waits until all processes use one token that came after number n.
func (s *stage) share(n int) error { return s.use(n, 1) }

// own waits until each process uses a token of its own that came after number n.
func (s *stage) own(n int) error { return s.use(n, s.fleet.size.processes) }

func (s *stage) use(n, want int) error {
	const patience = 20 * time.Second
	for deadline := time.Now().Add(patience); ; {
		processes, tokens := s.usage.since(n)
		if processes == s.fleet.size.processes && tokens == want {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("after %v %d of %d processes use a new token, and %d different ones; want all, and %d",
				patience, processes, s.fleet.size.processes, tokens, want)
		}
		if err := s.pass(20 * time.Millisecond); err != nil {
			return err
		}
	}
}
