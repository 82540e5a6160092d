package redisstore_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/contrib/redisstore"
	"github.com/authtrip/authtrip/storetest"
)

func TestAStoreInRedisKeepsItsPromises(t *testing.T) {
	e := newEngine(t)
	storetest.Run(t, func(t *testing.T) authtrip.Store { return redisstore.New(e.client(t)) })
}

func TestRedisMayGoAwayAndComeBack(t *testing.T) {
	e := newEngine(t)
	storetest.Outage(t, func(t *testing.T) authtrip.Store { return redisstore.New(e.client(t)) }, e.stop, e.start)
}

// What expires is given back by Redis itself, and no lifetime is longer than
// asked for.
func TestRedisHasTheLifetime(t *testing.T) {
	e := newEngine(t)
	s := redisstore.New(e.client(t))
	version, err := s.Save(t.Context(), "k", []byte("v"), "", time.Hour+time.Nanosecond)
	if err != nil {
		t.Fatal(err)
	}
	if got := e.mustDo(t, "PTTL", redisstore.Prefix+"k"); got > "3600001" || got < "3590000" {
		t.Errorf("the key lives %s ms, want an hour", got)
	}
	if _, err := s.Save(t.Context(), "k", []byte("v"), version, 0); err != nil {
		t.Fatal(err)
	}
	if got := e.mustDo(t, "PTTL", redisstore.Prefix+"k"); got != "-1" {
		t.Errorf("the key lives %s ms, want for ever", got)
	}
}

// Another program's key is an error, and stays.
func TestAnotherProgramsKeyIsLeftAlone(t *testing.T) {
	e := newEngine(t)
	s := redisstore.New(e.client(t))
	e.mustDo(t, "SET", redisstore.Prefix+"k", "theirs")
	_, _, err := s.Load(t.Context(), "k")
	if err == nil || !strings.Contains(err.Error(), "WRONGTYPE") {
		t.Errorf("Load: %v", err)
	}
	if _, err := s.Save(t.Context(), "k", []byte("ours"), "", 0); err == nil {
		t.Error("Save: no error")
	}
	if got := e.mustDo(t, "GET", redisstore.Prefix+"k"); got != "theirs" {
		t.Errorf("it is %q now", got)
	}
}

func TestAStorePrintsNoPassword(t *testing.T) {
	e := newEngine(t)
	s := redisstore.New(e.client(t))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d"} {
		if got := fmt.Sprintf(verb, s); strings.Contains(got, e.addr) {
			t.Errorf("%s: %s", verb, got)
		}
	}
}
