package redisstore_test

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/contrib/redisstore"
	"github.com/authtrip/authtrip/storetest"
	"github.com/redis/go-redis/v9"
)

func TestAStoreInRedisKeepsItsPromises(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	storetest.Run(t, func(t *testing.T) authtrip.Store { return redisstore.New(e.client(t)) })
}

func TestRedisMayGoAwayAndComeBack(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	storetest.Outage(t, func(t *testing.T) authtrip.Store { return redisstore.New(e.client(t)) },
		func(t *testing.T) { e.stop(t) }, func(t *testing.T) { e.start(t) })
}

// Nobody listens where Redis was: a call does not use up its time.
func TestARedisThatIsGoneFailsAtOnce(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	s := redisstore.New(e.client(t))
	mustSave(t, s, "v", "", 0)
	e.stop(t)
	for range 3 {
		began := time.Now()
		_, _, err := s.Load(t.Context(), "k")
		if took := time.Since(began); !isTrouble(err) || !strings.Contains(err.Error(), "refused") || took > time.Second {
			t.Errorf("%v after %v, want it refused within a second", err, took)
		}
	}
}

// What expires is given back by Redis itself, and nothing goes before its time.
func TestRedisHasTheLifetime(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	s := redisstore.New(e.client(t))
	version := ""
	for _, tt := range []struct {
		lifetime time.Duration
		most     int64 // milliseconds
	}{
		{time.Hour + time.Nanosecond, 3600001},
		{0, -1},
		{time.Hour, 3600000},
		{math.MaxInt64, math.MaxInt64/1000000 + 1},
		{-time.Second, -1},
	} {
		version = mustSave(t, s, "v", version, tt.lifetime)
		got, _ := strconv.ParseInt(e.do(t, "PTTL", redisstore.Prefix+"k"), 10, 64)
		if got > tt.most || tt.most > 0 && got < tt.most-60000 || tt.most < 0 && got != -1 {
			t.Errorf("%v: the key lives %d ms, want %d", tt.lifetime, got, tt.most)
		}
	}
}

// Another program's key is an error, and stays.
func TestAnotherProgramsKeyIsLeftAlone(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	s := redisstore.New(e.client(t))
	e.do(t, "SET", redisstore.Prefix+"k", "theirs")
	_, _, loading := s.Load(t.Context(), "k")
	_, saving := s.Save(t.Context(), "k", []byte("ours"), "", 0)
	for _, err := range []error{loading, saving, s.Delete(t.Context(), "k", "version")} {
		if !isTrouble(err) || !strings.Contains(err.Error(), "WRONGTYPE") || strings.Contains(err.Error(), redisstore.Prefix) {
			t.Errorf("%v, want trouble, and no key", err)
		}
	}
	if got := e.do(t, "GET", redisstore.Prefix+"k"); got != "theirs" {
		t.Errorf("it is %q now", got)
	}
}

// A Redis that was restarted, or told to, knows no script any more.
func TestRedisMayForgetTheScripts(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	s := redisstore.New(e.client(t))
	flush := func() { e.do(t, "SCRIPT", "FLUSH") }
	flush()
	version := mustSave(t, s, "one", "", 0)
	flush()
	mustHold(t, s, "one", version)
	flush()
	if err := s.Delete(t.Context(), "k", version); err != nil {
		t.Error(err)
	}
}

func TestAStoreWithoutAClientSaysSo(t *testing.T) {
	t.Parallel()
	s := redisstore.New(nil)
	_, _, err := s.Load(t.Context(), "k")
	if !isTrouble(err) || !strings.Contains(err.Error(), "give New one") {
		t.Errorf("%v", err)
	}
}

func TestAStorePrintsNoPassword(t *testing.T) {
	t.Parallel()
	s := redisstore.New(open(t, &redis.Options{Addr: "127.0.0.1:1", Password: "secret"}))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d"} {
		if got := fmt.Sprintf(verb, s); got != "redisstore.New" {
			t.Errorf("%s: %s", verb, got)
		}
	}
}

// isTrouble reports whether err says nothing about what became of the record.
func isTrouble(err error) bool {
	return err != nil && !errors.Is(err, authtrip.ErrNotFound) && !errors.Is(err, authtrip.ErrConflict)
}

// mustSave saves the record "k".
func mustSave(t *testing.T, s authtrip.Store, value, version string, lifetime time.Duration) string {
	t.Helper()
	next, err := s.Save(t.Context(), "k", []byte(value), version, lifetime)
	if err != nil {
		t.Fatalf("Save: %v", err)
	}
	return next
}

// mustHold wants the record "k" to be this.
func mustHold(t *testing.T, s authtrip.Store, value, version string) {
	t.Helper()
	got, has, err := s.Load(t.Context(), "k")
	if err != nil || string(got) != value || has != version {
		t.Fatalf("Load: %q, version %q, %v, want %q, version %q", got, has, err, value, version)
	}
}
