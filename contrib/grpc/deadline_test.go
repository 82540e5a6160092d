package authgrpc_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
)

func TestI02_ACallersDeadlineEndsItsWaitAtOnceWithItsOwnCode(t *testing.T) {
	for name, dial := range installed {
		t.Run(name+", cold", func(t *testing.T) {
			w := newWorld(t, by(dial))
			w.auth.answers(hanging)
			ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
			defer cancel()
			began := time.Now()
			err := w.checkWithin(ctx)
			w.wantCode(err, codes.DeadlineExceeded)
			if waited := time.Since(began); waited > time.Second {
				t.Fatalf("left after %v", waited)
			}
			w.wantSends(0)

			ctx, cancel = context.WithCancel(context.Background())
			time.AfterFunc(20*time.Millisecond, cancel)
			w.wantCode(w.checkWithin(ctx), codes.Canceled)
		})
	}
	t.Run("between the first and the second", func(t *testing.T) {
		w := newWorld(t)
		w.mustCheck()
		w.auth.revokeAll()
		w.auth.answers(hanging)
		ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		defer cancel()
		err := w.checkWithin(ctx)
		w.wantCode(err, codes.DeadlineExceeded)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("%v is no context.DeadlineExceeded", err)
		}
		w.wantSends(2)
	})
	t.Run("a time-out of the service config", func(t *testing.T) {
		w := newWorld(t, dialing(grpc.WithDefaultServiceConfig(`{"methodConfig":[{"name":[{}],"timeout":"0.05s"}]}`)))
		w.auth.answers(hanging)
		began := time.Now()
		w.wantCode(w.check(), codes.DeadlineExceeded)
		if waited := time.Since(began); waited > time.Second {
			t.Fatalf("left after %v", waited)
		}
	})
}

func TestARejectedRPCWaitsForNoTokenLongerThanItsDeadline(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.mustCheck()
		w.auth.revokeAll()
		w.auth.answers(hanging)
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		defer cancel()
		began := time.Now()
		w.wantCode(w.checkWithin(ctx), codes.DeadlineExceeded)
		if waited := time.Since(began); waited != 300*time.Millisecond {
			t.Fatalf("left after %v", waited)
		}
	})
}

func TestACallersDeadlineHasItsOwnCodeThoughAnInterceptorHidesIt(t *testing.T) {
	hide := func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		return invoker(context.WithoutCancel(ctx), method, req, reply, cc, opts...)
	}
	inBubble(t, func(t *testing.T, w *world) {
		w.auth.answers(hanging)
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		defer cancel()
		began := time.Now()
		w.wantCode(w.checkWithin(ctx), codes.DeadlineExceeded)
		if waited := time.Since(began); waited != 300*time.Millisecond {
			t.Fatalf("left after %v", waited)
		}
	}, dialing(grpc.WithChainUnaryInterceptor(hide)))
}
