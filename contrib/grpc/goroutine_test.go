package authgrpc_test

import (
	"context"
	"net/http"
	"runtime"
	"testing"

	"github.com/authtrip/authtrip"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
)

func TestAnRPCMayBeSentFromAnyThread(t *testing.T) {
	locked := func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		return invoker(ctx, method, req, reply, cc, opts...)
	}
	elsewhere := func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		done := make(chan error)
		go func() { done <- invoker(ctx, method, req, reply, cc, opts...) }()
		return <-done
	}
	for name, inner := range map[string]grpc.UnaryClientInterceptor{
		"an interceptor that locks its thread": locked, "an interceptor that sends on another goroutine": elsewhere,
	} {
		for _, caller := range []string{"a caller", "a caller that locks its thread"} {
			t.Run(caller+", "+name, func(t *testing.T) {
				if caller != "a caller" {
					runtime.LockOSThread()
					defer runtime.UnlockOSThread()
				}
				w := newWorld(t, dialing(grpc.WithChainUnaryInterceptor(inner)))
				w.mustCheck()
				w.auth.revokeAll()
				w.mustCheck()
				w.wantTokenCalls(2)
			})
		}
	}
}

func TestAPanicOfRejectIsTheCallersAndLeavesNothingBehind(t *testing.T) {
	for name, leave := range map[string]func(){"panic": func() { panic("the user's") }, "Goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			breaks := true
			// The bubble fails when a goroutine is left.
			inBubble(t, func(t *testing.T, w *world) {
				func() {
					defer func() {
						if got := recover(); name == "panic" && got != "the user's" {
							t.Errorf("recovered %v, want what Reject panicked with", got)
						}
					}()
					w.wantCode(w.check(), codes.Unavailable)
				}()
				breaks = false
				w.mustCheck()
			}, registered(func(r *authtrip.Registration) {
				r.Reject = func(res *http.Response) authtrip.Verdict {
					if breaks {
						leave()
					}
					return authtrip.RejectBearer(res)
				}
			}))
		})
	}
}

func TestAnRPCThatIsNeverJudgedLeavesNothingBehind(t *testing.T) {
	panics := false
	inBubble(t, func(t *testing.T, w *world) {
		w.mustCheck()
		for _, revoked := range []bool{false, true} { // the repeat is not judged then
			if revoked {
				w.auth.revokeAll()
			}
			panics = true
			func() {
				defer func() {
					if recover() == nil {
						t.Error("nothing panicked")
					}
				}()
				_ = w.check()
			}()
			panics = false
		}
	}, dialing(grpc.WithChainUnaryInterceptor(
		func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			err := invoker(ctx, method, req, reply, cc, opts...)
			if panics && err == nil {
				panic("an interceptor's")
			}
			return err
		})))
}

// foreign is a context that package context does not know: it waits for its end
// with a goroutine for each context that is made of it and not cancelled.
type foreign struct {
	context.Context
	done chan struct{}
}

func (f foreign) Done() <-chan struct{} { return f.done }

func TestNoContextIsLeftBehindOnTheCallers(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		ctx := foreign{context.Background(), make(chan struct{})}
		for range 2 {
			if err := w.checkWithin(ctx); err != nil {
				t.Fatal(err)
			}
			w.auth.revokeAll()
		}
	})
}
