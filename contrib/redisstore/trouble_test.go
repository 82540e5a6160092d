package redisstore_test

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/contrib/redisstore"
	"github.com/redis/go-redis/v9"
)

// A full Redis takes no record, and gives what it has.
func TestAFullRedisStillReads(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	s := redisstore.New(e.client(t))
	version := mustSave(t, s, "one", "", 0)
	e.do(t, "CONFIG", "SET", "maxmemory-policy", "noeviction")
	e.do(t, "CONFIG", "SET", "maxmemory", "1")
	for key, over := range map[string]string{"k": version, "another": ""} {
		if _, err := s.Save(t.Context(), key, []byte("two"), over, 0); !isTrouble(err) || !strings.Contains(err.Error(), "OOM") {
			t.Errorf("Save of %s: %v, want trouble", key, err)
		}
	}
	mustHold(t, s, "one", version)
	if err := s.Delete(t.Context(), "k", version); err != nil {
		t.Errorf("Delete: %v", err)
	}
}

// A replica, such as a fail-over leaves behind, takes no record: that is no
// conflict.
func TestAReplicaIsNoConflict(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	s := redisstore.New(e.client(t))
	version := mustSave(t, s, "one", "", 0)
	e.do(t, "REPLICAOF", "127.0.0.1", "1") // where nobody is
	_, saving := s.Save(t.Context(), "k", []byte("two"), version, 0)
	for _, err := range []error{saving, s.Delete(t.Context(), "k", version)} {
		if !isTrouble(err) || !strings.Contains(err.Error(), "READONLY") {
			t.Errorf("%v, want trouble", err)
		}
	}
	mustHold(t, s, "one", version)
}

// This is what the package's documentation says that a user must be allowed.
func TestAUserOfFewRights(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	e.do(t, "ACL", "SETUSER", "app", "on", ">secret", "~"+redisstore.Prefix+"*",
		"+evalsha", "+eval", "+hget", "+hmget", "+hset", "+del", "+pexpire", "+persist")
	s := redisstore.New(open(t, &redis.Options{Addr: e.addr, Username: "app", Password: "secret", ContextTimeoutEnabled: true}))
	version := mustSave(t, s, "one", "", time.Hour)
	version = mustSave(t, s, "two", version, 0)
	mustHold(t, s, "two", version)
	if err := s.Delete(t.Context(), "k", version); err != nil {
		t.Error(err)
	}
}

// A client may answer plain reads by itself. What another has saved is what a
// Load returns all the same.
func TestAClientsCacheIsNotAsked(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	s := redisstore.New(e.client(t))
	caching := redisstore.New(open(t, &redis.Options{Addr: e.addr, ContextTimeoutEnabled: true, ClientSideCacheConfig: &redis.ClientSideCacheConfig{}}))
	version := ""
	for n := range 100 {
		version = mustSave(t, s, strconv.Itoa(n), version, 0)
		mustHold(t, caching, strconv.Itoa(n), version)
	}
}

// On a cluster every record is one key.
func TestACluster(t *testing.T) {
	t.Parallel()
	e := newEngine(t, "--cluster-enabled", "yes")
	all := []any{"CLUSTER", "ADDSLOTS"}
	for slot := range 16384 {
		all = append(all, slot)
	}
	e.do(t, all...)
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{e.addr}, ContextTimeoutEnabled: true, ReadOnly: true})
	defer func() { _ = client.Close() }()
	s := redisstore.New(client)
	var version string
	for began := time.Now(); version == ""; {
		var err error
		version, err = s.Save(t.Context(), "k", []byte("one"), "", 0)
		if err != nil && time.Since(began) > 20*time.Second {
			t.Fatal(err)
		}
	}
	version = mustSave(t, s, "two", version, time.Hour)
	mustHold(t, s, "two", version)
	if err := s.Delete(t.Context(), "k", version); err != nil {
		t.Error(err)
	}
}

// An answer that is lost is asked for again, and what was done counts.
func TestAnAnswerIsLost(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	p := newProxy(t, e.addr)
	s := redisstore.New(open(t, &redis.Options{Addr: p.addr, ContextTimeoutEnabled: true}))
	version := mustSave(t, s, "one", "", 0)
	if err := s.Delete(t.Context(), "k", version); err != nil { // Redis knows the scripts now
		t.Fatal(err)
	}
	p.loseNext()
	created := mustSave(t, s, "one", "", 0)
	p.mustHaveLost(t)
	mustHold(t, s, "one", created)
	p.loseNext()
	updated := mustSave(t, s, "two", created, 0)
	p.mustHaveLost(t)
	mustHold(t, s, "two", updated)
	p.loseNext()
	mustHold(t, s, "two", updated)
	p.mustHaveLost(t)
	p.loseNext()
	if err := s.Delete(t.Context(), "k", updated); err != authtrip.ErrNotFound {
		t.Errorf("Delete, the second time: %v, want ErrNotFound", err)
	}
	p.mustHaveLost(t)

	once := redisstore.New(open(t, &redis.Options{Addr: p.addr, ContextTimeoutEnabled: true, MaxRetries: -1}))
	p.loseNext()
	if _, err := once.Save(t.Context(), "k", []byte("three"), "", 0); !isTrouble(err) {
		t.Errorf("Save without repetition: %v, want trouble", err)
	}
	p.mustHaveLost(t)
}

// Whatever the client's options say, a call ends with its context.
func TestNobodyWaitsForASlowRedis(t *testing.T) {
	t.Parallel()
	silent := newProxy(t, "") // takes connections and says nothing
	for name, options := range map[string]redis.Options{
		"by its context": {ContextTimeoutEnabled: true},
		"by its options": {ReadTimeout: 30 * time.Second},
		"while dialling": {Dialer: dialForEver},
	} {
		options.Addr = silent.addr
		s := redisstore.New(open(t, &options))
		for how, end := range map[string]func() (context.Context, context.CancelFunc){
			"time is over": func() (context.Context, context.CancelFunc) {
				return context.WithTimeout(t.Context(), 50*time.Millisecond)
			},
			"it is cancelled": func() (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(50*time.Millisecond, cancel)
				return ctx, cancel
			},
		} {
			ctx, cancel := end()
			began := time.Now()
			_, err := s.Save(ctx, "k", []byte("v"), "", 0)
			cancel()
			if took := time.Since(began); !isTrouble(err) || took > 5*time.Second {
				t.Errorf("%s, %s: %v after %v", name, how, err, took)
			}
		}
	}
}
