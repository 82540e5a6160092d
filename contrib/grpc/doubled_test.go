package authgrpc_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/authtrip/authtrip"
	authgrpc "github.com/authtrip/authtrip/contrib/grpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	health "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
)

func (w *world) wantSingleTokens() {
	w.t.Helper()
	for _, md := range w.api.seen() {
		if n := len(md["authorization"]); n != 1 {
			w.t.Fatalf("an RPC came with %d tokens, want one", n)
		}
	}
}

func TestI16_ATokenIsNeverDoubled(t *testing.T) {
	for name, dial := range installed {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, by(dial))
			w.mustCheck()
			w.auth.revokeAll()
			_ = w.check()
			_ = w.check(grpc.PerRPCCredentials(authgrpc.PerRPCCredentials(w.src)))
			if name == "both" {
				_, _ = w.client.Watch(context.Background(), &health.HealthCheckRequest{})
			}
			if name != "credentials only" {
				w.wantSingleTokens()
				return
			}
			// Both sets are applied, as gRPC says: that is not ours to see.
			if got := len(w.api.seen()[0]["authorization"]); got != 1 {
				t.Fatalf("%d tokens", got)
			}
		})
	}
}

// apart sends every RPC a second time, at once, with its context and options.
func apart(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	done := make(chan error, 1)
	go func() { done <- invoker(ctx, method, req, new(health.HealthCheckResponse), cc, opts...) }()
	err := invoker(ctx, method, req, reply, cc, opts...)
	<-done
	return err
}

func TestAnInterceptorThatSendsAnRPCTwiceAtOnceDoublesNoToken(t *testing.T) {
	w := newWorld(t, dialing(grpc.WithChainUnaryInterceptor(apart)))
	for range 20 {
		if got := w.all(5); got[codes.OK]+got[codes.Unauthenticated] != 5 {
			t.Fatalf("ended with %v", got)
		}
		w.auth.revokeAll()
	}
	w.wantSingleTokens()
}

func TestAContextThatIsUsedForAnotherConnectionGetsATokenThere(t *testing.T) {
	other := newWorld(t, by(credentialsOnly))
	w := newWorld(t, dialing(grpc.WithChainUnaryInterceptor(
		func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			if err := other.checkWithin(ctx); err != nil {
				return err
			}
			err := invoker(ctx, method, req, reply, cc, opts...)
			if err := other.checkWithin(ctx); err != nil {
				return err
			}
			return err
		})))
	w.mustCheck()
	w.auth.revokeAll()
	w.mustCheck()
	w.wantSingleTokens()
	other.wantSingleTokens()
}

func TestAMirroredRPCOfTheSameSourceGetsATokenOfItsOwn(t *testing.T) {
	var mirror *grpc.ClientConn
	w := newWorld(t, registered(func(r *authtrip.Registration) { r.Origins = append(r.Origins, "other.example.com") }),
		dialing(grpc.WithChainUnaryInterceptor(
			func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
				err := invoker(ctx, method, req, reply, cc, opts...)
				_ = mirror.Invoke(ctx, method, req, new(health.HealthCheckResponse))
				return err
			})))
	mirror = w.dialAgain(grpc.WithAuthority("other.example.com"), grpc.WithPerRPCCredentials(authgrpc.PerRPCCredentials(w.src)))
	w.mustCheck()
	w.auth.revokeAll()
	w.mustCheck()
	w.wantSingleTokens()
	w.wantTokenCalls(2)
	w.wantSends(6)
}

// extra are credentials of the caller's own.
type extra map[string]string

func (e extra) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return e, nil
}
func (extra) RequireTransportSecurity() bool { return false }

func TestTheCallersOwnCredentialsAreKeptBesideTheToken(t *testing.T) {
	for _, name := range []string{"both", "interceptor only"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, by(installed[name]))
			own := grpc.PerRPCCredentials(extra{"X-Tenant": "blue", "Authorization": "Bearer own"})
			w.mustCheck(own)
			w.auth.revokeAll()
			w.mustCheck(own)
			w.wantSingleTokens()
			for _, md := range w.api.seen() {
				if got := md["x-tenant"]; len(got) != 1 || got[0] != "blue" {
					t.Fatalf("the RPC came with %v, want the caller's own", got)
				}
			}
		})
	}
}

// wrapped are credentials of ours in another's hands.
type wrapped struct{ credentials.PerRPCCredentials }

func TestOurCredentialsInAnothersHandsDoubleNoToken(t *testing.T) {
	for _, name := range []string{"both", "interceptor only"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, by(installed[name]))
			again := grpc.PerRPCCredentials(wrapped{authgrpc.PerRPCCredentials(w.src)})
			w.mustCheck(again)
			w.auth.revokeAll()
			w.mustCheck(again)
			w.wantSingleTokens()
			w.wantTokenCalls(2)
			w.wantNobodyLeft()
		})
	}
}

func TestATokenThatTheCallerSetIsNotDoubledButRefused(t *testing.T) {
	for name, dial := range installed {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, by(dial))
			ctx := metadata.AppendToOutgoingContext(context.Background(), "Authorization", "Bearer own")
			err := w.checkWithin(ctx)
			w.wantCode(err, codes.Internal)
			if !strings.Contains(err.Error(), `"authorization"`) || strings.Contains(err.Error(), "own metadata has \"Bearer") {
				t.Errorf("the error does not say what to leave out: %v", err)
			}
			w.wantSends(0)
			w.wantNobodyLeft()
		})
	}
}

func TestI14_NoTokenIsPrinted(t *testing.T) {
	var printed strings.Builder
	w := newWorld(t, dialing(grpc.WithChainUnaryInterceptor(
		func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			err := invoker(ctx, method, req, reply, cc, opts...)
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
				_, _ = fmt.Fprintf(&printed, verb, opts)
				_, _ = fmt.Fprintf(&printed, verb, ctx)
				for _, o := range opts {
					if o, ok := o.(grpc.PerRPCCredsCallOption); ok {
						_, _ = fmt.Fprintf(&printed, verb, o.Creds)
					}
				}
				_, _ = fmt.Fprintf(&printed, verb, authgrpc.PerRPCCredentials(printedSource))
			}
			return err
		})))
	printedSource = w.src
	w.mustCheck()
	w.auth.revokeAll()
	w.mustCheck()
	for _, s := range append(secrets, fmt.Sprintf("%x", tokenPrefix)) {
		if strings.Contains(printed.String(), s) {
			t.Fatalf("%q was printed", s)
		}
	}
}

// printedSource is what the test above prints.
var printedSource *authtrip.Source
