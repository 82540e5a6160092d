package authgrpc

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/authtrip/authtrip"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// DialOptions are [PerRPCCredentials] and [UnaryClientInterceptor] of src, the
// latter as one of a chain: interceptors of options before these see a repeated
// RPC once, those after see it twice.
func DialOptions(src *authtrip.Source) []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithPerRPCCredentials(PerRPCCredentials(src)),
		grpc.WithChainUnaryInterceptor(UnaryClientInterceptor(src)),
	}
}

// PerRPCCredentials put a token of src on every RPC to one of its
// registration's origins, for grpc.WithPerRPCCredentials or
// grpc.PerRPCCredentials. They wait for a token as [authtrip.Source.Token] does,
// and leave when the RPC's context ends. They require a private connection. The
// package's documentation has the codes of their errors, and what becomes of an
// RPC that has credentials of several Sources.
//
// They are safe for concurrent use.
func PerRPCCredentials(src *authtrip.Source) credentials.PerRPCCredentials {
	return perRPC{src}
}

type perRPC struct{ src *authtrip.Source }

// GetRequestMetadata implements [credentials.PerRPCCredentials].
func (c perRPC) GetRequestMetadata(ctx context.Context, uri ...string) (map[string]string, error) {
	req, err := newRequest(ctx, uri)
	if err != nil {
		return nil, err
	}
	if r, ok := ctx.Value(rpcKey(c)).(*rpc); ok { // which judges how the RPC ends
		return r.attachFor(ctx, req)
	}
	md, err := attach(c.src, req)
	if err == nil {
		err = claim(ctx, c.src, md)
	}
	if err != nil {
		return nil, err
	}
	return md, nil
}

// RequireTransportSecurity implements [credentials.PerRPCCredentials].
func (perRPC) RequireTransportSecurity() bool { return true }

// newRequest is an HTTP request in place of the RPC: to its authority, with its
// metadata.
func newRequest(ctx context.Context, uri []string) (*http.Request, error) {
	if len(uri) != 1 {
		return nil, status.Errorf(codes.Internal, "authtrip: gRPC named %d URIs for one RPC", len(uri))
	}
	u, err := url.Parse(uri[0])
	// An authority that reads as more than host and port is none that the origin
	// rule could judge.
	if err != nil || !strings.HasPrefix(uri[0]+"/", "https://"+u.Host+"/") {
		return nil, status.Error(codes.Internal, "authtrip: the RPC's authority is no host with or without a port")
	}
	md, _ := metadata.FromOutgoingContext(ctx)
	req := &http.Request{Method: http.MethodPost, URL: u, Header: http.Header(md)}
	return req.WithContext(ctx), nil
}

// attach gets what src attaches to req, as metadata.
func attach(src *authtrip.Source, req *http.Request) (map[string]string, error) {
	before := req.Header
	if err := src.Attach(req); err != nil {
		return nil, failed(req.Context(), err)
	}
	return added(before, req.Header)
}

// added returns what after has and before, the RPC's own metadata, has not.
func added(before, after http.Header) (map[string]string, error) {
	md := map[string]string{}
	for name, values := range after {
		key := strings.ToLower(name)
		if own, ok := before[key]; !ok {
			md[key] = values[0]
		} else if name != key || !slices.Equal(own, values) {
			return nil, status.Errorf(codes.Internal, "authtrip: the RPC's own metadata has %q, where its token goes: leave that out", key)
		}
	}
	return md, nil
}

// Format implements [fmt.Formatter]: what a Source holds is not for logs.
func (c perRPC) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "authgrpc.PerRPCCredentials(%v)", c.src)
}
