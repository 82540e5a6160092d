//go:build unix

package redisstore_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
)

// partOf names, in the environment of a process that a test started, what it is
// a part of. It does what it is told, a line each, and answers by a line each.
const partOf = "AUTHTRIP_TEST_LOGIN"

type part struct {
	Redis, Lossy, Server string // where they are; Lossy is a way to Redis that loses an answer
	At                   string // where it kills itself; empty: nowhere
}

// The points of a refresh that the process itself comes to.
const (
	beforeTheIntent = "before its intent is in the Store"
	afterTheIntent  = "with its intent in the Store, before the call"
	afterTheAnswer  = "with the answer, before it is saved"
	inTheSave       = "in the save, whose answer is lost"
	afterTheSave    = "with all of it saved"
)

// What a process is told.
const (
	toAsk     = "ask"     // the API
	toRefresh = "refresh" // have another access token
)

// hasty is the Policy of processes that are killed: nobody waits for them for
// longer than hastyIntent.
var hasty = authtrip.Policy{FetchTimeout: 500 * time.Millisecond}

const hastyIntent = 2*500*time.Millisecond + 5*time.Second

// wasPart does what another process is told, if this is one.
func wasPart(t *testing.T) bool {
	text := os.Getenv(partOf)
	if text == "" {
		return false
	}
	var p part
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(os.Stdin)
	store := &dyingStore{Store: storeAt(t, p.Redis), lossy: storeAt(t, p.Lossy), at: p.At}
	src := user(t, p.Server, store, authtrip.WithTokenTransport(store), hasty)
	for lines.Scan() {
		var err error
		if lines.Text() == toRefresh {
			err = another(src)
		}
		got := ""
		if err == nil {
			got, err = ask(src, p.Server)
		}
		if err != nil {
			got = strings.ReplaceAll(err.Error(), "\n", " ")
		}
		fmt.Println(got)
	}
	return true
}

// dyingStore kills its process at a point. It is the way to the server too, by
// which it knows what is saved: an intent first, then what was answered.
type dyingStore struct {
	authtrip.Store
	lossy    authtrip.Store
	at       string
	answered atomic.Bool
}

func (s *dyingStore) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err == nil {
		s.answered.Store(true)
	}
	return res, err
}

func (s *dyingStore) Save(ctx context.Context, key string, value []byte, version string, lifetime time.Duration) (string, error) {
	answered := s.answered.Load()
	switch {
	case s.at == beforeTheIntent, s.at == afterTheAnswer && answered:
		die()
	case s.at == inTheSave && answered:
		if _, err := s.lossy.Save(ctx, key, value, version, lifetime); err != nil {
			die()
		}
	}
	got, err := s.Store.Save(ctx, key, value, version, lifetime)
	if err == nil && (s.at == afterTheIntent || s.at == afterTheSave && answered) {
		die()
	}
	return got, err
}

// die is kill -9.
func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// process is another one, of the same login.
type process struct {
	cmd   *exec.Cmd
	in    io.Writer
	out   *bufio.Scanner
	ended chan struct{} // closed when it has
}

// startProcess runs the test once more.
func startProcess(t *testing.T, p part) *process {
	t.Helper()
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	test, _, _ := strings.Cut(t.Name(), "/")
	cmd := exec.Command(os.Args[0], "-test.run=^"+test+"$", "-test.count=1")
	cmd.Env = append(os.Environ(), partOf+"="+string(text))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	started := &process{cmd, in, bufio.NewScanner(out), make(chan struct{})}
	go func() {
		_, _ = cmd.Process.Wait()
		close(started.ended)
	}()
	t.Cleanup(func() {
		started.kill()
		_, _ = in.Close(), out.Close()
	})
	return started
}

func (p *process) tell(t *testing.T, what string) {
	t.Helper()
	if _, err := fmt.Fprintln(p.in, what); err != nil {
		t.Fatal(err)
	}
}

// mustAnswer waits for a line, and wants it to be that.
func (p *process) mustAnswer(t *testing.T, want string) {
	t.Helper()
	if !p.out.Scan() {
		t.Fatalf("a process ended, want that it says %q", want)
	}
	if got := p.out.Text(); got != want {
		t.Fatalf("a process said %q, want %q", got, want)
	}
}

// mustDie waits until it is dead, and expects that it said nothing before.
func (p *process) mustDie(t *testing.T) {
	t.Helper()
	for p.out.Scan() {
		t.Errorf("a process that was to be killed said %q", p.out.Text())
		p.kill()
	}
	<-p.ended
}

// kill ends it by SIGKILL, and returns when it is dead.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}
