package authgrpc_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
	authgrpc "github.com/authtrip/authtrip/contrib/grpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	health "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// failing are credentials of another's that fail once they are broken.
type failing struct {
	broken atomic.Bool
	err    error
}

func (f *failing) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	if f.broken.Load() {
		return nil, f.err
	}
	return nil, nil
}
func (*failing) RequireTransportSecurity() bool { return true }

// refusing is a Source that gets no token: its client is unknown.
func refusing(t *testing.T) *authtrip.Source {
	src, err := authtrip.NewSource(authtrip.Registration{
		ID: "other", ClientID: "client", ClientSecret: authtrip.NewSecret(clientSecret), Headers: []string{"X-Other"},
		TokenEndpoint:  authtrip.Endpoint{URL: "https://auth.example.com/token"},
		TokenTransport: inProcess{oauthError(401, "invalid_client")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func TestI06_AFailureOfOtherCredentialsIsNoVerdictOnTheToken(t *testing.T) {
	otherOfConn := func(*world, *failing) []grpc.CallOption { return nil }
	for name, c := range map[string]struct {
		err  error
		dial func(*testing.T, *failing) []grpc.DialOption
		call func(*world, *failing) []grpc.CallOption
	}{
		"the connection's": {errors.New("boom"), func(_ *testing.T, f *failing) []grpc.DialOption {
			return []grpc.DialOption{grpc.WithPerRPCCredentials(f)}
		}, otherOfConn},
		"the caller's own": {status.Error(codes.Unauthenticated, "not me"), nil, func(_ *world, f *failing) []grpc.CallOption {
			return []grpc.CallOption{grpc.PerRPCCredentials(f)}
		}},
		"those of another Source": {nil, nil, func(w *world, _ *failing) []grpc.CallOption {
			return []grpc.CallOption{grpc.PerRPCCredentials(authgrpc.PerRPCCredentials(refusing(w.t)))}
		}},
		"those of another Source's interceptor": {nil, func(t *testing.T, f *failing) []grpc.DialOption {
			other := authgrpc.UnaryClientInterceptor(refusing(t))
			return []grpc.DialOption{grpc.WithChainUnaryInterceptor(
				func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
					if f.broken.Load() {
						return other(ctx, method, req, reply, cc, invoker, opts...)
					}
					return invoker(ctx, method, req, reply, cc, opts...)
				})}
		}, otherOfConn},
	} {
		for _, way := range []string{"both", "interceptor only"} {
			t.Run(name+", "+way, func(t *testing.T) {
				f := &failing{err: c.err}
				options := []func(*setup){by(installed[way])}
				if c.dial != nil {
					options = append(options, dialing(c.dial(t, f)...))
				}
				inBubble(t, func(t *testing.T, w *world) {
					w.mustCheck()
					f.broken.Store(true)
					w.wantCode(w.check(c.call(w, f)...), codes.Unauthenticated)
					w.wantSends(1)
					w.wantTokenCalls(1)
					if len(w.notReplayed) != 0 {
						t.Errorf("the hook heard %v", w.notReplayed)
					}

					f.broken.Store(false)
					w.auth.revokeAll()
					w.mustCheck() // no pause has begun
					w.wantTokenCalls(2)
				}, options...)
			})
		}
	}
}

const retryAborted = `{"methodConfig":[{"name":[{}],"retryPolicy":
	{"maxAttempts":3,"initialBackoff":"0.001s","maxBackoff":"0.001s","backoffMultiplier":1,"retryableStatusCodes":["ABORTED"]}}]}`

// retriable is the context of an RPC that gRPC may retry: of one that had a
// header it does not.
func retriable() context.Context {
	return metadata.AppendToOutgoingContext(context.Background(), "no-header", "please")
}

func TestI06_AFailureOfOtherCredentialsInARetryIsNoVerdictOnTheAttemptBefore(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		f := &failing{err: status.Error(codes.Unauthenticated, "not me")}
		w.api.judges(func(metadata.MD) error {
			f.broken.Store(true)
			return status.Error(codes.Aborted, "again")
		})
		w.wantCode(w.checkWithin(retriable(), grpc.PerRPCCredentials(f)), codes.Unauthenticated)
		w.wantSends(1)
		w.wantTokenCalls(1)
	}, dialing(grpc.WithDefaultServiceConfig(retryAborted)))
}

func TestI10_ARepeatThatGRPCRetriesEndsThePauseWhenItIsAccepted(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		n := 0
		w.api.judges(func(md metadata.MD) error {
			switch n++; n {
			case 1:
				return reject(md)
			case 2:
				return status.Error(codes.Aborted, "again")
			}
			return w.api.wantToken(md)
		})
		if err := w.checkWithin(retriable()); err != nil {
			t.Fatal(err)
		}
		w.wantSends(3)
		w.wantTokenCalls(2)
		w.auth.revokeAll()
		w.mustCheck()
		w.wantTokenCalls(3)
	}, dialing(grpc.WithDefaultServiceConfig(retryAborted)))
}

// also sends an RPC, and then does more with its context.
func also(more func(context.Context)) func(*setup) {
	return dialing(grpc.WithChainUnaryInterceptor(
		func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			err := invoker(ctx, method, req, reply, cc, opts...)
			more(ctx)
			return err
		}))
}

// watch begins a stream, which gets a token from the connection's credentials.
func (w *world) watch(ctx context.Context, opts ...grpc.CallOption) error {
	stream, err := w.client.Watch(ctx, &health.HealthCheckRequest{}, opts...)
	if err == nil {
		_, err = stream.Recv()
	}
	return err
}

func TestI06_WhatElseIsSentWithAnRPCsContextHidesNoVerdictOnIt(t *testing.T) {
	for name, opts := range map[string][]grpc.CallOption{
		"to the same authority":      nil,
		"to one that gets no token":  {grpc.CallAuthority("other.example.com")},
		"with credentials that fail": {grpc.PerRPCCredentials(brokenCredentials())},
	} {
		t.Run(name, func(t *testing.T) {
			var w *world
			inBubble(t, func(t *testing.T, in *world) {
				w = in
				w.mustCheck()
				for n := range 3 {
					w.auth.revokeAll()
					w.mustCheck() // an accepted repeat is seen too: it ended the pause
					w.wantTokenCalls(2 + n)
				}
			}, also(func(ctx context.Context) { _ = w.watch(ctx, opts...) }))
		})
	}
}

func brokenCredentials() *failing {
	f := &failing{err: status.Error(codes.Unauthenticated, "not me")}
	f.broken.Store(true)
	return f
}

func TestI10_ARepeatThatGoesToAnotherAuthorityIsNoVerdictOnTheNewToken(t *testing.T) {
	sent := 0
	inBubble(t, func(t *testing.T, w *world) {
		w.api.judges(func(md metadata.MD) error {
			if len(md["authorization"]) == 0 {
				return nil
			}
			return w.api.wantToken(md)
		})
		w.mustCheck()
		w.auth.revokeAll()
		w.mustCheck()
		w.wantSends(3)

		// It did not end the pause.
		w.auth.revokeAll()
		w.wantCode(w.check(), codes.Unauthenticated)
		w.wantTokenCalls(2)
	}, dialing(grpc.WithChainUnaryInterceptor(
		func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			if sent++; sent == 3 {
				opts = append(opts, grpc.CallAuthority("other.example.com"))
			}
			return invoker(ctx, method, req, reply, cc, opts...)
		})))
}

func TestAContextThatIsUsedWhenItsRPCIsOverGetsATokenAndLeavesNothingBehind(t *testing.T) {
	var of context.Context
	inBubble(t, func(t *testing.T, w *world) {
		ctx, cancel := context.WithCancel(context.Background())
		if err := w.checkWithin(ctx); err != nil {
			t.Fatal(err)
		}
		if err := w.watch(of); err != nil {
			t.Fatal(err)
		}
		cancel()
		of = context.WithoutCancel(of)
		time.Sleep(2 * time.Hour) // there is no token now
		if err := w.watch(of); err != nil {
			t.Fatal(err)
		}
		w.wantSingleTokens()
		// It is a stream like any other, on which nobody sees two Sources.
		if err := w.watch(of, onRPC(another(t, nil))); status.Code(err) == codes.Internal {
			t.Fatal(err)
		}
	}, also(func(ctx context.Context) { of = ctx }))
}

func TestAnRPCThatIsOverBeforeOthersWithItsContextGetATokenLeavesNothingBehind(t *testing.T) {
	var w *world
	var watched chan error
	inBubble(t, func(t *testing.T, in *world) {
		w, watched = in, make(chan error)
		asked, over := make(chan struct{}), make(chan struct{})
		w.auth.answers(func(rw http.ResponseWriter, r *http.Request) {
			close(asked)
			<-over
			w.auth.answers(nil)
			w.auth.ServeHTTP(rw, r)
		})
		w.mustCheck()
		<-asked
		close(over)
		if err := <-watched; err != nil {
			t.Fatal(err)
		}
		w.wantSingleTokens()
	}, dialing(grpc.WithChainUnaryInterceptor(
		func(ctx context.Context, _ string, _, _ any, _ *grpc.ClientConn, _ grpc.UnaryInvoker, _ ...grpc.CallOption) error {
			go func() { watched <- w.watch(ctx) }()
			synctest.Wait() // it waits for a token
			return nil      // as from a cache
		})))
}
