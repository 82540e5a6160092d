// Package authgrpc puts a valid OAuth 2.0 token on the RPCs of a
// google.golang.org/grpc client, and sends a unary RPC once more with a new
// token when the server rejects the first. It is named so that it can stand
// beside package grpc in one file:
//
//	import (
//		authgrpc "github.com/authtrip/authtrip/contrib/grpc"
//		"google.golang.org/grpc"
//	)
//
//	src, err := authtrip.NewSource(registration)
//	conn, err := grpc.NewClient("dns:///api.example.com:8443",
//		append(authgrpc.DialOptions(src), grpc.WithTransportCredentials(tls))...)
//
// [DialOptions] are [PerRPCCredentials], which put a token on every RPC,
// streams too, and [UnaryClientInterceptor], which puts one on unary RPCs,
// judges how they end, and repeats. Each works alone, and together they attach
// once.
//
// # One Source
//
// Both take a *authtrip.Source, and no Manager that would choose by the RPC's
// context: for tokens of several users make a connection for each user's
// Source, or pass [PerRPCCredentials] of it with the RPC, or choose among
// several interceptors in one of your own.
//
// Give both the same *authtrip.Source. Two of them, be it two that a Manager
// gave for one registration, know nothing of each other. Where their names of
// metadata differ an RPC goes with both tokens; where they share one the
// interceptor fails the RPC with Internal before it is sent. Without an
// interceptor, and so on streams, nobody sees that two credentials share a name:
// gRPC sends the value of the last among those of the connection, and that of
// the RPC's own beside it. Nor does anybody see it of a connection's credentials
// that are not of this package.
//
// # Which servers get a token
//
// Those of [authtrip.Registration].Origins, by the RPC's authority: the host,
// and the port if not 443, that gRPC takes from the target, or from
// grpc.WithAuthority or grpc.CallAuthority. For the target above Origins must
// have "api.example.com:8443". An RPC to another authority goes without a
// token; with no Origins listed all get one. The names of the metadata are those
// of Registration.Headers, in lower case, and the HostHeaders of the host are
// attached too.
//
// Only a connection that is private gets one: TLS, or a Unix socket with
// google.golang.org/grpc/credentials/local, whose authority is "localhost".
// gRPC itself refuses any other, loopback too, and Registration.AllowHTTP does
// not change that: an authority says nothing of where an unencrypted connection
// ends.
//
// An RPC whose own metadata has the token's name already fails with Internal:
// it would have two. The caller's own value for one of the HostHeaders stands.
//
// # Repeated RPCs
//
// Unauthenticated says that the server did not take the caller for one it
// knows, and so that it did not act: that is why a unary RPC can be repeated
// whatever it does. A server that answers so after it acted, or that hands on
// an Unauthenticated of servers behind it, should be mended, or be left without
// the interceptor.
//
// What Unauthenticated means is put to the Registration as a response with
// status 401, no challenge and no body: RejectStatus and Reject have their say,
// Reject on another goroutine than the caller's; Envelopes have none. The rest
// is as with an [authtrip.Transport]: the token that was sent, and no other,
// becomes suspect; however many RPCs it was rejected for, one token call replaces
// it; when there is no other token, the caller gets the server's first error, and
// Hooks.NotReplayed hears why; an RPC is sent twice at most, apart from what
// gRPC's own retries do; while reissued tokens are rejected too, reissuing pauses
// for ever longer. The wait for another token ends with the caller's context; a
// time-out of a service config does not end it.
//
// Only the server's Unauthenticated counts: that of other credentials, for which
// nothing is sent, says nothing of the token. One case is taken for the server's:
// gRPC sent the RPC, retries it by its own policy, and the connection's other
// credentials fail then.
//
// After a repeat the reply, the error and what grpc.Header, grpc.Trailer and
// grpc.Peer collect are the second RPC's alone. A reply that is a proto.Message
// is reset for that. One of another codec is left as it is: what a server sent
// before it rejected the first RPC stays in it when the repeat brings no reply,
// or the codec does not clear what it fills. Interceptors that come after
// this one, stats handlers and grpc.OnFinish see two RPCs. One that sends an RPC
// several times at once belongs before it, so that each can be judged by itself.
//
// # Streams
//
// A stream gets its token when it begins, from PerRPCCredentials. What it
// received cannot be taken back, so that it is not repeated, and how it ends
// does not make its token suspect: begin it again after a unary RPC has, or drop
// the token with [authtrip.Source.Invalidate].
//
// # Errors
//
// An RPC that should have a token and cannot get one is not sent. Its status
// has the text of the error and one of these codes:
//
//	Unavailable       trying later may help: an open circuit, the network, a
//	                  server's 5xx or 429
//	Unauthenticated   authtrip.ErrAuthorizationRequired, and what OAuth servers
//	                  answer in order, such as invalid_client
//	Canceled          authtrip.ErrClosed, as with a grpc.ClientConn that was
//	                  closed, and the caller's own cancellation
//	DeadlineExceeded  the caller's own deadline, at once
//
// FailedPrecondition is not among them: gRPC lets credentials have no such code.
// The error itself is below: gRPC hands on what credentials return, so that
// [errors.Is], [errors.As] and [authtrip.RetryAfter] find what they look for, as
// far as no interceptor around makes another error of the status.
package authgrpc
