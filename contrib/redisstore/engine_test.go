package redisstore_test

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// engine is a redis-server on loopback that writes everything down.
type engine struct {
	dir, addr string
	args      []string
	cmd       *exec.Cmd
	ended     chan struct{}
}

func newEngine(t testing.TB, args ...string) *engine {
	t.Helper()
	e := &engine{dir: t.TempDir(), args: args}
	t.Cleanup(func() { e.stop(t) })
	e.start(t)
	return e
}

// start starts it, where it was before if it has been started once. Another
// program may take the port meanwhile: then it tries again.
func (e *engine) start(t testing.TB) {
	t.Helper()
	addr := e.addr
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		if addr == "" {
			e.addr = freeAddr(t)
		}
		e.launch(t)
		if e.answers(deadline) {
			return
		}
		e.stop(t)
	}
	t.Fatal("redis-server does not answer")
}

func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func (e *engine) launch(t testing.TB) {
	t.Helper()
	_, port, _ := net.SplitHostPort(e.addr)
	e.cmd = exec.Command("redis-server", append([]string{
		"--port", port, "--bind", "127.0.0.1", "--dir", e.dir,
		"--save", "", "--appendonly", "yes", "--appendfsync", "no", // it is killed, the machine is not
	}, e.args...)...)
	e.cmd.SysProcAttr = dying
	if err := e.cmd.Start(); err != nil {
		e.cmd = nil
		t.Fatalf("%v: install redis-server, on Debian by \"apt-get install redis-server\"", err)
	}
	ended := make(chan struct{})
	e.ended = ended
	go func(cmd *exec.Cmd) {
		_ = cmd.Wait()
		close(ended)
	}(e.cmd)
}

// answers waits until it does, and not another program on that port.
func (e *engine) answers(deadline time.Time) bool {
	client := redis.NewClient(&redis.Options{Addr: e.addr, ContextTimeoutEnabled: true, MaxRetries: -1})
	defer func() { _ = client.Close() }()
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	for ctx.Err() == nil {
		select {
		case <-e.ended:
			return false
		default:
		}
		if info, err := client.Info(ctx, "server").Result(); err == nil {
			return strings.Contains(info, fmt.Sprintf("process_id:%d\r", e.cmd.Process.Pid))
		}
	}
	return false
}

// stop kills it.
func (e *engine) stop(t testing.TB) {
	t.Helper()
	if e.cmd == nil {
		return
	}
	_ = e.cmd.Process.Kill()
	<-e.ended
	e.cmd = nil
}

// client returns one as New wants it.
func (e *engine) client(t testing.TB) *redis.Client {
	t.Helper()
	return open(t, &redis.Options{Addr: e.addr, ContextTimeoutEnabled: true, DialerRetries: 1})
}

func open(t testing.TB, options *redis.Options) *redis.Client {
	t.Helper()
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// do sends one command and returns the answer as text.
func (e *engine) do(t testing.TB, args ...any) string {
	t.Helper()
	got, err := e.client(t).Do(t.Context(), args...).Result()
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return fmt.Sprint(got)
}
