// Package redisstore keeps authtrip's records in Redis or Valkey, so that a
// fleet of processes shares its tokens, and restarts lose none.
//
//	key := authtrip.NewSecret(os.Getenv("STORE_KEY")) // of "openssl rand -base64 32"
//	client := redis.NewClient(&redis.Options{Addr: addr, ContextTimeoutEnabled: true, DialerRetries: 1})
//	mgr, err := authtrip.NewManager(registrations,
//		authtrip.WithStore(redisstore.New(client)),
//		authtrip.Encryption{Keys: []authtrip.Secret{key}})
//
// A record is one key, which is [Prefix] and the record's name, so that it works
// on a cluster too. What has a lifetime is given back by Redis itself.
//
// What Redis confirmed may still be lost when it dies or fails over: that is as
// it was set up. A token that anybody can ask for again may be lost; refresh
// tokens want appendonly with appendfsync always, a replica, and a maxmemory-policy
// that evicts nothing (noeviction, or one of the volatile ones).
//
// What a user of the Redis may do must include, for keys that begin with
// [Prefix]: EVALSHA, EVAL, HGET, HMGET, HSET, DEL, PEXPIRE and PERSIST.
package redisstore
