package redisstore

import "github.com/redis/go-redis/v9"

// A record is a hash: v is its version, d its value.
//
// Each operation is one script on one key, for compare-and-set, and reading too:
// go-redis may send a plain read to a replica or answer it out of a cache of its
// own, as the client was set up, and either may be older than what was saved.

var load = redis.NewScript(`return redis.call('HMGET', KEYS[1], 'v', 'd')`)

// A write that comes a second time, since go-redis repeats what got no answer,
// finds its own version.
var save = redis.NewScript(`
local expected, version, value, lifetime = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local v = redis.call('HGET', KEYS[1], 'v') or ''
if v == version then return 1 end
if v ~= expected then return 0 end
redis.call('HSET', KEYS[1], 'v', version, 'd', value)
if lifetime == '0' then redis.call('PERSIST', KEYS[1]) else redis.call('PEXPIRE', KEYS[1], lifetime) end
return 1`)

var remove = redis.NewScript(`
local v = redis.call('HGET', KEYS[1], 'v')
if not v then return -1 end
if v ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
return 1`)
