package authgrpc

import (
	"context"
	"errors"
	"net/http"

	"github.com/authtrip/authtrip"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// noToken is why an RPC has no token, as a status that keeps the error.
type noToken struct {
	code codes.Code
	err  error
}

// failed is err, which kept a token from being had before ctx ended.
func failed(ctx context.Context, err error) error {
	if ctx.Err() != nil { // whatever else happened, the caller is leaving
		return &noToken{status.FromContextError(ctx.Err()).Code(), err}
	}
	return &noToken{codeOf(err), err}
}

func codeOf(err error) codes.Code {
	said, ok := errors.AsType[*authtrip.ServerError](err)
	switch {
	case errors.Is(err, authtrip.ErrClosed):
		return codes.Canceled
	case errors.Is(err, authtrip.ErrAuthorizationRequired), ok && refused(said):
		return codes.Unauthenticated
	}
	return codes.Unavailable
}

// refused reports whether the authorization server works, and said no for good.
func refused(said *authtrip.ServerError) bool {
	passing := said.Status >= 500 || said.Status == http.StatusTooManyRequests
	return !passing && (said.Code != "" || said.Status == http.StatusUnauthorized)
}

func (e *noToken) Error() string              { return e.GRPCStatus().String() }
func (e *noToken) Unwrap() error              { return e.err }
func (e *noToken) GRPCStatus() *status.Status { return status.New(e.code, e.err.Error()) }

// verdictOf is the HTTP status that says of the RPC's token what err says of the
// RPC: 200 or 401, or 0 when gRPC itself may have ended the RPC with that code,
// before the server judged its token.
func verdictOf(err error) int {
	switch status.Code(err) {
	case codes.Unauthenticated:
		return http.StatusUnauthorized
	case codes.OK, codes.InvalidArgument, codes.NotFound, codes.AlreadyExists, codes.PermissionDenied,
		codes.FailedPrecondition, codes.Aborted, codes.OutOfRange, codes.DataLoss:
		return http.StatusOK
	}
	return 0
}
