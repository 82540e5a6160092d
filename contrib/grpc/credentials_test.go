package authgrpc_test

import (
	"context"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/authtrip/authtrip"
	authgrpc "github.com/authtrip/authtrip/contrib/grpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/credentials/local"
	health "google.golang.org/grpc/health/grpc_health_v1"
)

func TestI01_NoTokenIsAskedForBeforeAnRPCNeedsOne(t *testing.T) {
	w := newWorld(t)
	w.conn.Connect()
	w.wantTokenCalls(0)
}

func TestAStreamGoesWithATokenToo(t *testing.T) {
	w := newWorld(t)
	stream, err := w.client.Watch(context.Background(), &health.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	w.wantTokenCalls(1)
}

func TestI13_AnAuthorityThatIsNotListedGetsNoToken(t *testing.T) {
	for name, dial := range installed {
		for what, way := range map[string]struct {
			option grpc.DialOption
			call   []grpc.CallOption
		}{
			"another host":                {option: grpc.WithAuthority("other.example.com")},
			"the same host, another port": {option: grpc.WithAuthority("api.example.com:8443")},
			"another host, for this RPC":  {option: grpc.WithAuthority("api.example.com"), call: []grpc.CallOption{grpc.CallAuthority("other.example.com")}},
		} {
			t.Run(name+", "+what, func(t *testing.T) {
				w := newWorld(t, by(dial), registered(func(r *authtrip.Registration) {
					r.Origins = []string{"api.example.com"}
					r.HostHeaders = map[string]map[string]authtrip.Secret{"api.example.com": {"X-App-Key": authtrip.NewSecret("key")}}
				}), dialing(way.option))
				w.api.judges(reject)
				_ = w.check(way.call...)
				for _, md := range w.api.seen() {
					if len(md["authorization"]) != 0 || len(md["x-app-key"]) != 0 {
						t.Fatalf("came with %v", md)
					}
				}
				if len(w.api.seen()) > 1 {
					t.Fatalf("sent %d times without a token", len(w.api.seen()))
				}
				w.wantTokenCalls(0)
			})
		}
	}
}

func TestI13_AnotherHostGoesOnWithoutAToken(t *testing.T) {
	w := newWorld(t, registered(func(r *authtrip.Registration) { r.Origins = []string{"api.example.com"} }),
		dialing(grpc.WithAuthority("other.example.com")))
	w.api.judges(accept)
	w.mustCheck()
}

func TestI13_AnInsecureConnectionIsRefused(t *testing.T) {
	w := newWorld(t, registered(func(r *authtrip.Registration) {
		r.Origins = nil // wherever the caller asks
	}))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	plain := &apiServer{auth: w.auth}
	plain.serve(t, l)
	for what, o := range map[string]grpc.DialOption{
		"insecure": grpc.WithTransportCredentials(insecure.NewCredentials()),
		"local":    grpc.WithTransportCredentials(local.NewCredentials()),
	} {
		for name, dial := range installed {
			t.Run(what+", "+name, func(t *testing.T) {
				conn, err := grpc.NewClient(l.Addr().String(), append(dial(w.src), o)...)
				if err == nil {
					defer conn.Close() //nolint:errcheck // a test
					_, err = health.NewHealthClient(conn).Check(context.Background(), &health.HealthCheckRequest{})
				}
				if err == nil || !strings.Contains(err.Error(), "secur") {
					t.Fatalf("got %v, want a refusal", err)
				}
			})
		}
	}
	if len(plain.seen()) != 0 {
		t.Fatal("an RPC was sent")
	}
	w.wantTokenCalls(0)
}

func TestI13_AUnixSocketIsPrivateEnough(t *testing.T) {
	w := newWorld(t, registered(func(r *authtrip.Registration) { r.Origins = []string{"localhost"} }))
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	api := &apiServer{auth: w.auth}
	api.serve(t, l, grpc.Creds(local.NewCredentials()))
	conn, err := grpc.NewClient("unix:"+path, append(authgrpc.DialOptions(w.src), grpc.WithTransportCredentials(local.NewCredentials()))...)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // a test
	if _, err := health.NewHealthClient(conn).Check(context.Background(), &health.HealthCheckRequest{}); err != nil {
		t.Fatal(err)
	}
}

func TestI13_WhatIsNoAuthorityGetsNoToken(t *testing.T) {
	w := newWorld(t, registered(func(r *authtrip.Registration) { r.Origins = []string{"api.example.com"} }))
	creds := authgrpc.PerRPCCredentials(w.src)
	for _, uris := range [][]string{
		{}, {"https://api.example.com/s", "https://api.example.com/s"}, {""}, {"https:///s"}, {"http://api.example.com/s"},
		{"https://other.example.com@api.example.com/s"}, {"https://api.example.com#.other.example.com/s"},
		{"https://api.example.com?.other.example.com/s"}, {"https://api.example.com:443:443/s"}, {"https://api%2eexample.com/s"},
	} {
		if md, err := creds.GetRequestMetadata(context.Background(), uris...); len(md) != 0 || err == nil && uris[0] != "https:///s" {
			t.Errorf("%q got %d pairs of metadata, %v", uris, len(md), err)
		}
	}
	w.wantTokenCalls(0)
	if md, err := creds.GetRequestMetadata(context.Background(), "https://api.example.com"); len(md) != 1 || err != nil {
		t.Errorf("the authority alone got %d pairs of metadata, %v", len(md), err)
	}
}

func TestI13_ARepeatThatGoesToAnotherAuthorityLeavesTheTokenAtHome(t *testing.T) {
	sent := 0
	w := newWorld(t, registered(func(r *authtrip.Registration) { r.Origins = []string{"api.example.com"} }),
		dialing(grpc.WithAuthority("api.example.com"), grpc.WithChainUnaryInterceptor(
			func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
				if sent++; sent == 2 {
					opts = append(opts, grpc.CallAuthority("other.example.com"))
				}
				return invoker(ctx, method, req, reply, cc, opts...)
			})))
	w.api.judges(reject)
	w.wantCode(w.check(), codes.Unauthenticated)
	w.wantSends(2)
	if got := w.api.seen()[1]["authorization"]; len(got) != 0 {
		t.Fatal("the other authority got a token")
	}
}

func TestANilOrZeroSourceIsAnErrorAndNoPanic(t *testing.T) {
	for name, dial := range installed {
		for _, src := range []*authtrip.Source{nil, {}} {
			w := newWorld(t, by(func(*authtrip.Source) []grpc.DialOption { return dial(src) }))
			if err := w.check(); err == nil || !strings.Contains(err.Error(), "NewSource") {
				t.Errorf("%s: got %v, want what to do", name, err)
			}
			w.wantSends(0)
		}
	}
}

var _ credentials.PerRPCCredentials = extra(nil)
