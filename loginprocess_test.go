//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package authtrip_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
)

// A process of ann's login is the test's own program once more. It does what it
// is told, a line each, and answers by a line each.
const (
	toAsk     = "ask"     // who it is by the API's lights
	toRefresh = "refresh" // have another access token
	toClose   = "close"   // close the Manager
	toLogin   = "login "  // and a code
)

// partOf names, in its environment, what a process is a part of.
const partOf = "AUTHTRIP_TEST_LOGIN"

type part struct {
	Dir, Server string
	At          point // where it kills itself; empty: nowhere
	Patient     bool  // has the FetchTimeout that others have
	Looks       bool  // says so when it looks into the Store
}

// point is one in the course of a refresh.
type point string

// The points that the process itself comes to; the others are the server's.
const (
	beforeTheIntent point = "before its intent is in the Store"
	afterTheIntent  point = "with its intent in the Store, before the call"
	afterTheAnswer  point = "with the answer, before it is saved"
	halfOfTheSave   point = "half-way through the save"
	afterTheSave    point = "with all of it saved"
	aroundTheSave   point = "somewhere in the save"
)

// saving is what a process says that is about to save, of aroundTheSave.
const saving, looking = "saving", "looking"

// wasPart does what another process is told, if this is one.
func wasPart(t *testing.T) bool {
	var p part
	text := os.Getenv(partOf)
	if text == "" {
		return false
	}
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatal(err)
	}
	var told atomic.Value // what the Store did last, of the hook
	told.Store("")
	store := &dyingStore{Store: authtrip.NewFileStore(p.Dir), part: p}
	policy := hasty
	if p.Patient {
		policy = authtrip.Policy{}
	}
	m := managerAt(t, p.Server, store, authtrip.WithTokenTransport(store), policy,
		authtrip.Hooks{StoreFailed: func(_ string, err error) { told.Store("; " + err.Error()) }})
	src := of(t, m, "ann")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		got, err := "", error(nil)
		code, isLogin := strings.CutPrefix(lines.Text(), toLogin)
		switch lines.Text() {
		case toRefresh:
			err = another(src)
			fallthrough
		case toAsk:
			if err == nil {
				got, err = askAt(p.Server, src)
			}
		case toClose:
			got, err = "closed", m.Close()
		}
		if isLogin {
			err = src.ExchangeCode(t.Context(), code, nil)
		}
		if err != nil {
			got = err.Error()
		}
		fmt.Println(strings.ReplaceAll(got+told.Load().(string), "\n", " "))
	}
	return true
}

// another has another access token than the one in use. A machine may be so slow
// that the Store fails at first.
func another(src *authtrip.Source) error {
	var err error
	dropped := false
	for tries := 0; tries < 10 && !errors.Is(err, authtrip.ErrAuthorizationRequired); tries++ {
		var tok authtrip.Token
		if tok, err = src.Token(context.Background()); err == nil && dropped {
			return nil
		}
		if err == nil {
			src.Invalidate(tok)
			dropped = true
		}
	}
	return err
}

// dyingStore kills its process at a point. It is the way to the server too, by
// which it knows what is saved: an intent first, then what was answered.
type dyingStore struct {
	authtrip.Store
	part
	answered atomic.Bool
}

func (s *dyingStore) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err == nil {
		s.answered.Store(true)
	}
	return res, err
}

func (s *dyingStore) Load(ctx context.Context, key string) ([]byte, string, error) {
	if s.Looks {
		fmt.Println(looking)
	}
	return s.Store.Load(ctx, key)
}

func (s *dyingStore) Save(ctx context.Context, key string, value []byte, version string, lifetime time.Duration) (string, error) {
	answered := s.answered.Load()
	switch {
	case s.At == beforeTheIntent, s.At == afterTheAnswer && answered:
		die()
	case s.At == halfOfTheSave && answered:
		s.half(value)
		die()
	case s.At == aroundTheSave && answered:
		fmt.Println(saving)
	}
	got, err := s.Store.Save(ctx, key, value, version, lifetime)
	if err == nil && (s.At == afterTheIntent || s.At == afterTheSave && answered) {
		die()
	}
	return got, err
}

// half does half of what a file Store does to save: it has the lock, and a part
// of the file.
func (s *dyingStore) half(value []byte) {
	lock, err := os.OpenFile(filepath.Join(s.Dir, "lock"), os.O_RDWR, 0)
	if err == nil {
		err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(s.Dir, "half.record.new"), value[:len(value)/2], 0o600)
	}
	if err != nil {
		fmt.Println(err) // which is not what is waited for
	}
}

// die is kill -9.
func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}
