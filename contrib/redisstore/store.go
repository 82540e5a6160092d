package redisstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/redis/go-redis/v9"
)

// Prefix begins every key.
const Prefix = "authtrip:"

type store struct{ client redis.UniversalClient }

var _ authtrip.Store = store{}

// New returns a Store over a client, which stays the caller's to close. It does
// no I/O. A *redis.Client, a *redis.ClusterClient and a failover client will do;
// a *redis.Ring will not where it moves keys to another server when one is down.
//
// The Store returns when the context of a call ends, however the client is set
// up. Of the client's options matter:
//
//   - ContextTimeoutEnabled should be true. Otherwise what the Store gave up
//     waiting for keeps its connection until ReadTimeout, and a slow Redis uses up
//     the pool.
//   - DialerRetries should be 1. While nobody listens where Redis was, a call then
//     fails within a tenth of a second; otherwise go-redis dials until the context
//     ends, which is every call's second.
//   - DialTimeout may stay as it is: a connection that cannot be made costs a call
//     no more than its context.
//   - MaxRetries may stay as it is. What got no answer is repeated within the
//     context: a Save finds out that it was done already, and reports success; a
//     Delete then reports ErrNotFound, or ErrConflict if somebody has created the
//     record anew. A record that was created, whose answer was lost, and that
//     another process deleted before the repetition, comes back: where that may
//     not be, set -1, and every lost answer is an error instead.
//
// Errors hold no keys and no values. The Store is safe for concurrent use.
func New(client redis.UniversalClient) authtrip.Store { return store{client} }

// Load implements [authtrip.Store].
func (s store) Load(ctx context.Context, key string) ([]byte, string, error) {
	got, err := s.run(ctx, load, key)
	if err != nil {
		return nil, "", err
	}
	fields, _ := got.([]any)
	if len(fields) != 2 {
		return nil, "", errors.New("redisstore: the answer is not one of the script's")
	}
	version, _ := fields[0].(string)
	value, ok := fields[1].(string)
	switch {
	case version == "":
		return nil, "", authtrip.ErrNotFound
	case !ok:
		return nil, "", errors.New("redisstore: the key holds something else than a record")
	}
	return []byte(value), version, nil
}

// Save implements [authtrip.Store].
func (s store) Save(ctx context.Context, key string, value []byte, version string, lifetime time.Duration) (string, error) {
	next := rand.Text()
	// A copy of value: the caller may use it again when ctx has ended.
	got, err := s.run(ctx, save, key, version, next, string(value), milliseconds(lifetime))
	switch {
	case err != nil:
		return "", err
	case got != int64(1):
		return "", authtrip.ErrConflict
	}
	return next, nil
}

// Delete implements [authtrip.Store].
func (s store) Delete(ctx context.Context, key, version string) error {
	got, err := s.run(ctx, remove, key, version)
	switch {
	case err != nil:
		return err
	case got == int64(-1):
		return authtrip.ErrNotFound
	case got != int64(1):
		return authtrip.ErrConflict
	}
	return nil
}

// run runs a script, and returns when ctx ends even if go-redis does not: it
// looks at a context's deadline at most, and not at its being cancelled.
func (s store) run(ctx context.Context, script *redis.Script, key string, args ...any) (any, error) {
	if s.client == nil {
		return nil, errors.New("redisstore: there is no client: give New one")
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("redisstore: %w", err)
	}
	answered := make(chan *redis.Cmd, 1)
	go func() { answered <- script.Run(ctx, s.client, []string{Prefix + key}, args...) }()
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("redisstore: no answer: %w", ctx.Err())
	case cmd := <-answered:
		got, err := cmd.Result()
		if err != nil {
			return nil, fmt.Errorf("redisstore: %w", err)
		}
		return got, nil
	}
}

// milliseconds rounds up: no lifetime becomes 0, which is for ever.
func milliseconds(d time.Duration) int64 {
	if d <= 0 {
		return 0
	}
	return int64((d-1)/time.Millisecond) + 1
}

// Format keeps the client's options, a password among them, out of dumps.
func (store) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("redisstore.New")) }
