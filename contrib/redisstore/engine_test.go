package redisstore_test

import (
	"context"
	"net"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// engine is a redis-server on loopback that writes everything down.
type engine struct {
	dir, addr string
	cmd       *exec.Cmd
}

func newEngine(t *testing.T) *engine {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e := &engine{dir: t.TempDir(), addr: l.Addr().String()}
	_ = l.Close()
	e.start(t)
	t.Cleanup(func() { e.stop(t) })
	return e
}

func (e *engine) start(t *testing.T) {
	t.Helper()
	_, port, _ := net.SplitHostPort(e.addr)
	e.cmd = exec.Command("redis-server", "--port", port, "--bind", "127.0.0.1", "--dir", e.dir, "--save", "",
		"--appendonly", "yes", "--appendfsync", "always", "--daemonize", "no")
	if err := e.cmd.Start(); err != nil {
		t.Fatalf("%v: install redis-server, on Debian by \"apt-get install redis-server\"", err)
	}
	client := redis.NewClient(&redis.Options{Addr: e.addr, ContextTimeoutEnabled: true, MaxRetries: -1})
	defer func() { _ = client.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for client.Ping(ctx).Err() != nil {
		if ctx.Err() != nil {
			t.Fatal("redis-server does not answer")
		}
	}
}

// stop kills it.
func (e *engine) stop(t *testing.T) {
	t.Helper()
	if e.cmd == nil {
		return
	}
	_ = e.cmd.Process.Kill()
	_ = e.cmd.Wait()
	e.cmd = nil
}

func (e *engine) client(t *testing.T) *redis.Client {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: e.addr, ContextTimeoutEnabled: true})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func (e *engine) mustDo(t *testing.T, args ...any) string {
	t.Helper()
	got, err := e.client(t).Do(t.Context(), args...).Result()
	if err != nil {
		t.Fatal(err)
	}
	switch got := got.(type) {
	case string:
		return got
	case int64:
		return strconv.FormatInt(got, 10)
	}
	return ""
}
