// Package redisstore keeps authtrip's records in Redis or Valkey, so that a
// fleet of processes shares them.
//
//	store := redisstore.New(redis.NewClient(&redis.Options{Addr: addr, ContextTimeoutEnabled: true}))
//	mgr, err := authtrip.NewManager(registrations, authtrip.WithStore(store), …)
//
// A record is one key, so that it works on a cluster too. What Redis confirmed
// may still be lost when it dies or fails over, as it is set up: refresh tokens
// want appendonly and a replica that is waited for.
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

// New returns a Store over a client, which stays the caller's to close. The
// client's ContextTimeoutEnabled should be set: otherwise its own time-outs
// hold, and what the library gave up waiting for goes on for as long.
//
// The Store is safe for concurrent use, and holds no goroutine of its own.
func New(client redis.UniversalClient) authtrip.Store { return store{client} }

// A record is a hash: v is its version, d its value. A write that comes a second
// time, since go-redis repeats what got no answer, finds its own version.
var (
	save = redis.NewScript(`
local v = redis.call('HGET', KEYS[1], 'v') or ''
if v == ARGV[2] then return 1 end
if v ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'v', ARGV[2], 'd', ARGV[3])
if ARGV[4] == '0' then redis.call('PERSIST', KEYS[1]) else redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
return 1`)

	remove = redis.NewScript(`
local v = redis.call('HGET', KEYS[1], 'v')
if not v then return -1 end
if v ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
return 1`)
)

// Load implements [authtrip.Store].
func (s store) Load(ctx context.Context, key string) ([]byte, string, error) {
	got, err := s.client.HMGet(ctx, Prefix+key, "v", "d").Result()
	if err != nil {
		return nil, "", trouble(ctx, err)
	}
	version, _ := got[0].(string)
	value, ok := got[1].(string)
	switch {
	case version == "":
		return nil, "", authtrip.ErrNotFound
	case !ok:
		return nil, "", fmt.Errorf("redisstore: the key %q holds something else than a record", Prefix+key)
	}
	return []byte(value), version, nil
}

// Save implements [authtrip.Store].
func (s store) Save(ctx context.Context, key string, value []byte, version string, lifetime time.Duration) (string, error) {
	next := rand.Text()
	got, err := save.Run(ctx, s.client, []string{Prefix + key}, version, next, value, milliseconds(lifetime)).Int()
	switch {
	case err != nil:
		return "", trouble(ctx, err)
	case got != 1:
		return "", authtrip.ErrConflict
	}
	return next, nil
}

// Delete implements [authtrip.Store].
func (s store) Delete(ctx context.Context, key, version string) error {
	got, err := remove.Run(ctx, s.client, []string{Prefix + key}, version).Int()
	switch {
	case err != nil:
		return trouble(ctx, err)
	case got < 0:
		return authtrip.ErrNotFound
	case got == 0:
		return authtrip.ErrConflict
	}
	return nil
}

// milliseconds rounds up: no lifetime becomes 0, which is for ever.
func milliseconds(d time.Duration) int64 {
	return int64((d + time.Millisecond - 1) / time.Millisecond)
}

// trouble prefers the context's own error.
func trouble(ctx context.Context, err error) error {
	if ctx.Err() != nil && !errors.Is(err, ctx.Err()) {
		return fmt.Errorf("redisstore: %w: %w", ctx.Err(), err)
	}
	return fmt.Errorf("redisstore: %w", err)
}

// Format keeps the client's options, a password among them, out of dumps.
func (store) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("redisstore.New")) }
