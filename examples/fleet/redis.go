package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"time"

	"github.com/redis/go-redis/v9"
)

var errNoRedis = errors.New(`there is no redis-server in the PATH: install it, on Debian and Ubuntu by "apt-get install redis-server", on a Mac by "brew install redis"`)

// redisServer is a redis-server of the program's own, on loopback. A process of
// its own looks after it, so that it ends with the program.
type redisServer struct {
	program, dir   string
	addr, password string

	in    io.Closer // of who looks after it; nil: it does not run
	ended chan struct{}
}

// newRedisServer finds the program. Close what it returns.
func newRedisServer() (*redisServer, error) {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, errNoRedis
	}
	redis.SetLogger(silent{})
	dir, err := os.MkdirTemp("", "fleet-redis-")
	if err != nil {
		return nil, err
	}
	return &redisServer{program: program, dir: dir, password: rand.Text()}, nil
}

// start starts it, on the port where it was before if it has been started once.
// Another program may take a port meanwhile: then it tries again.
func (r *redisServer) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	known := r.addr != ""
	for ctx.Err() == nil {
		if !known {
			addr, err := freeAddr()
			if err != nil {
				return err
			}
			r.addr = addr
		}
		if err := r.launch(); err != nil {
			return err
		}
		if r.answers(ctx) {
			return nil
		}
		r.kill()
		time.Sleep(500 * time.Millisecond)
	}
	return errors.New("redis-server does not answer")
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func (r *redisServer) launch() error {
	cmd, in, _, err := startAgain(context.Background(), redisRole) // which has to kill Redis before it ends
	if err != nil {
		return err
	}
	ended := make(chan struct{})
	r.in, r.ended = in, ended
	go func() {
		defer close(ended)
		_ = cmd.Wait()
	}()
	return json.NewEncoder(in).Encode(redisTask{r.program, r.config()})
}

// config has Redis write down what it confirms, so that a kill loses nothing. It
// need not wait for the disk: Redis is killed, and the machine is not. Where a
// machine may die, set appendfsync to what losing a token is worth: one that
// anybody can ask for again, such as these, may be lost.
func (r *redisServer) config() string {
	_, port, _ := net.SplitHostPort(r.addr)
	return fmt.Sprintf("bind 127.0.0.1\nport %s\nrequirepass %s\ndir %q\nsave \"\"\nappendonly yes\nappendfsync no\n",
		port, r.password, r.dir)
}

// answers waits until it does. Another program on that port does not know the
// password.
func (r *redisServer) answers(ctx context.Context) bool {
	client := redis.NewClient(&redis.Options{Addr: r.addr, Password: r.password, ContextTimeoutEnabled: true, DialerRetries: 1, MaxRetries: -1})
	defer func() { _ = client.Close() }()
	for {
		if client.Ping(ctx).Err() == nil {
			return true
		}
		select {
		case <-r.ended:
			return false
		case <-ctx.Done():
			return false
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// kill kills it, as kill -9 does, and returns when it is gone.
func (r *redisServer) kill() {
	if r.in == nil {
		return
	}
	_ = r.in.Close()
	<-r.ended
	r.in = nil
}

func (r *redisServer) close() {
	r.kill()
	_ = os.RemoveAll(r.dir)
}

// silent drops what go-redis logs where there is no Redis, which is expected here;
// Hooks.StoreChanged says it once.
type silent struct{}

// Printf implements go-redis's logger.
func (silent) Printf(context.Context, string, ...any) {}
