package authgrpc

import (
	"context"
	"slices"

	"github.com/authtrip/authtrip"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
	"google.golang.org/protobuf/proto"
)

// UnaryClientInterceptor puts a token of src on every unary RPC to one of its
// registration's origins, and sends an RPC once more with another token when
// the server answers Unauthenticated to the first. When there is no other
// token the caller gets the server's error; when its context ends while it waits
// for one, an error that says so.
//
// It attaches as [PerRPCCredentials] do; where both are installed for the same
// Source the token is there once; Sources that would put it there twice are
// refused. The caller's own grpc.PerRPCCredentials for one RPC are kept beside
// it, but for the token's own names.
//
// It is safe for concurrent use. See the package's documentation for what may
// be repeated.
func UnaryClientInterceptor(src *authtrip.Source) grpc.UnaryClientInterceptor {
	return func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		next := credentialsIn(opts)
		if outer, ok := next.(*rpc); ok && outer.src == src { // which does it all
			return invoker(ctx, method, req, reply, cc, opts...)
		}
		r := &rpc{src: src, ctx: ctx, next: next, attached: map[context.Context]attachment{}}
		r.names.taken = map[place]*authtrip.Source{}
		defer r.end()
		ctx = context.WithValue(context.WithValue(ctx, rpcKey{src}, r), namesKey{}, &r.names)
		opts = append(slices.Clip(opts), grpc.PerRPCCredentials(r))

		outcome := invoker(ctx, method, req, reply, cc, opts...)
		again, err := r.judge(outcome)
		switch {
		case err != nil:
			return err
		case !again:
			return outcome
		}
		forget(reply, opts)
		outcome = invoker(ctx, method, req, reply, cc, opts...)
		_, _ = r.judge(outcome) // an RPC that was sent twice is not sent again
		return outcome
	}
}

// credentialsIn are those that opts put on the RPC: of several the last count.
func credentialsIn(opts []grpc.CallOption) credentials.PerRPCCredentials {
	for _, o := range slices.Backward(opts) {
		if o, ok := o.(grpc.PerRPCCredsCallOption); ok {
			return o.Creds
		}
	}
	return nil
}

// forget empties what the caller has of an RPC that is repeated: a repeat that
// is not sent leaves it as it is.
func forget(reply any, opts []grpc.CallOption) {
	if m, ok := reply.(proto.Message); ok && m.ProtoReflect().IsValid() { // a nil pointer is not
		proto.Reset(m)
	}
	for _, o := range opts {
		switch o := o.(type) {
		case grpc.HeaderCallOption:
			*o.HeaderAddr = nil
		case grpc.TrailerCallOption:
			*o.TrailerAddr = nil
		case grpc.PeerCallOption:
			*o.PeerAddr = peer.Peer{}
		}
	}
}
