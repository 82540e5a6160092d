package authgrpc_test

import (
	"context"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
)

// conns are the connections that a dialer made.
type conns struct {
	mu  sync.Mutex
	all []net.Conn // guarded by mu
}

func (c *conns) dial(ctx context.Context, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err == nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.all = append(c.all, conn)
	}
	return conn, err
}

func (c *conns) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.all {
		_ = conn.Close()
	}
	c.all = nil
}

func TestRevocationsLostConnectionsRetriesAndDeadlinesDoubleNoTokenAndLeaveNothingBehind(t *testing.T) {
	var made conns
	w := newWorld(t, dialing(grpc.WithContextDialer(made.dial), grpc.WithDefaultServiceConfig(`{"methodConfig":[{"name":[{}],"waitForReady":true,
		"retryPolicy":{"maxAttempts":4,"initialBackoff":"0.001s","maxBackoff":"0.01s","backoffMultiplier":1,"retryableStatusCodes":["UNAVAILABLE","UNAUTHENTICATED"]}}]}`)))
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			for range 40 {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(1+rand.IntN(200))*time.Millisecond)
				switch rand.IntN(20) {
				case 0:
					w.auth.revokeAll()
				case 1:
					made.cut()
				}
				_ = w.checkWithin(ctx)
				if deadline, _ := ctx.Deadline(); time.Since(deadline) > time.Second {
					t.Errorf("an RPC ended %v after its deadline", time.Since(deadline))
				}
				cancel()
			}
		})
	}
	callers.Wait()
	w.wantSingleTokens()
	w.wantNobodyLeft()
}
