package authgrpc_test

import (
	"context"
	"testing"

	"github.com/authtrip/authtrip"
	authgrpc "github.com/authtrip/authtrip/contrib/grpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	health "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

func TestI16_ARepeatLeavesNothingOfTheFirst(t *testing.T) {
	w := newWorld(t)
	w.mustCheck()
	w.auth.revokeAll()
	var header, trailer metadata.MD
	w.mustCheck(grpc.Header(&header), grpc.Trailer(&trailer))
	if got := header.Get("header-of"); len(got) != 1 || got[0] != "3" {
		t.Errorf("header %v, want the second's alone", got)
	}
	if got := trailer.Get("trailer-of"); len(got) != 1 || got[0] != "3" {
		t.Errorf("trailer %v, want the second's alone", got)
	}

	w.auth.revokeAll()
	w.api.answers(nil)
	reply := new(health.HealthCheckResponse)
	if err := w.conn.Invoke(context.Background(), "/test.Other/Do", &health.HealthCheckRequest{}, reply); err != nil {
		t.Fatal(err)
	}
	if reply.Status != health.HealthCheckResponse_UNKNOWN {
		t.Errorf("the reply has %v of the RPC that was rejected", reply.Status)
	}
}

func TestI16_ARepeatThatIsNotSentLeavesNothingOfTheFirst(t *testing.T) {
	// The connection is gone when the RPC is to be repeated.
	var w *world
	rejected := 0
	w = newWorld(t, dialing(grpc.WithChainUnaryInterceptor(
		func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			if rejected++; rejected == 2 {
				_ = w.conn.Close()
			}
			return invoker(ctx, method, req, reply, cc, opts...)
		})))
	w.api.judges(reject)
	var header, trailer metadata.MD
	var p peer.Peer
	reply := new(health.HealthCheckResponse)
	w.wantCode(w.conn.Invoke(context.Background(), "/test.Other/Do", &health.HealthCheckRequest{}, reply,
		grpc.Header(&header), grpc.Trailer(&trailer), grpc.Peer(&p)), codes.Canceled)
	w.wantSends(1)
	if header != nil || trailer != nil || p.Addr != nil {
		t.Errorf("header %v, trailer %v, peer %v are the first RPC's", header, trailer, p.Addr)
	}
	if reply.Status != health.HealthCheckResponse_UNKNOWN {
		t.Errorf("the reply has %v of the RPC that was rejected", reply.Status)
	}
}

func TestARepeatTakesAReplyThatIsNil(t *testing.T) {
	for _, reply := range []any{nil, (*health.HealthCheckResponse)(nil)} {
		w := newWorld(t)
		w.api.judges(reject)
		w.wantCode(w.conn.Invoke(context.Background(), health.Health_Check_FullMethodName, &health.HealthCheckRequest{}, reply), codes.Unauthenticated)
		w.wantSends(2)
	}
}

func TestI07_OfNestedInterceptorsOfOneSourceTheInnerPassesThrough(t *testing.T) {
	var src *authtrip.Source
	w := newWorld(t, dialing(grpc.WithChainUnaryInterceptor(
		func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			return authgrpc.UnaryClientInterceptor(src)(ctx, method, req, reply, cc, invoker, opts...)
		})))
	src = w.src
	w.api.judges(reject)
	w.wantCode(w.check(), codes.Unauthenticated)
	w.wantSends(2)
	w.wantTokenCalls(2)
	if len(w.notReplayed) != 0 {
		t.Fatalf("two judged the RPC: the hook heard %v", w.notReplayed)
	}
}
