package authotel

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strconv"
	"syscall"

	"github.com/authtrip/authtrip"
)

// other is what the semantic conventions have for an error of no known kind.
const other = "_OTHER"

// errorTypeIn is the errorType of what ended a request with this context: that
// it was the caller's own deadline says nothing of the server.
func errorTypeIn(ctx context.Context, err error) string {
	if ctx != nil && ctx.Err() == context.DeadlineExceeded && errors.Is(err, context.DeadlineExceeded) {
		return "caller_timeout"
	}
	return errorType(err)
}

// errorType names the kind of an error in one of few words: a server must not be
// able to make series by inventing codes.
func errorType(err error) string {
	if said, ok := errors.AsType[*authtrip.ServerError](err); ok {
		return serverErrorType(said)
	}
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			return k.name
		}
	}
	if t, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err); ok && t.Timeout() {
		return "timeout"
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "dns"
	}
	if isTLS(err) {
		return "tls"
	}
	return other
}

var kinds = []struct {
	err  error
	name string
}{
	{authtrip.ErrCircuitOpen, "circuit_open"},
	{authtrip.ErrAuthorizationRequired, "authorization_required"},
	{authtrip.ErrInsecure, "insecure"},
	{authtrip.ErrClosed, "closed"},
	{authtrip.ErrConflict, "store_conflict"},
	{context.DeadlineExceeded, "timeout"},
	{context.Canceled, "canceled"},
	{syscall.ECONNREFUSED, "connection_refused"},
	{syscall.ECONNRESET, "connection_reset"},
}

// The codes of RFC 6749 §4.1.2.1 and §5.2, of RFC 7009 §2.2.1 and RFC 8628 §3.5.
var oauthCodes = map[string]bool{
	"invalid_request": true, "invalid_client": true, "invalid_grant": true, "unauthorized_client": true,
	"unsupported_grant_type": true, "invalid_scope": true, "access_denied": true, "unsupported_response_type": true,
	"server_error": true, "temporarily_unavailable": true, "unsupported_token_type": true, "slow_down": true,
}

// serverErrorType is the code if it is one of the standards', else the status.
func serverErrorType(said *authtrip.ServerError) string {
	switch {
	case oauthCodes[said.Code]:
		return said.Code
	case said.Status >= 400 && said.Status < 600:
		return strconv.Itoa(said.Status)
	case said.Status != 0:
		return "invalid_reply"
	}
	return other
}

func isTLS(err error) bool {
	_, verification := errors.AsType[*tls.CertificateVerificationError](err)
	_, authority := errors.AsType[x509.UnknownAuthorityError](err)
	_, name := errors.AsType[x509.HostnameError](err)
	_, record := errors.AsType[tls.RecordHeaderError](err)
	_, alert := errors.AsType[tls.AlertError](err)
	return verification || authority || name || record || alert
}
