package restyv3

import (
	"context"
	"io"
	"sync/atomic"

	"github.com/authtrip/authtrip"
	"resty.dev/v3"
)

// RetryRejected is a retry condition, for AddRetryConditions, of clients with
// [Attach] and a SetRetryCount of 1 or more: it has Resty send a request once
// more when its token was rejected, with HTTP 200 too. Resty retries POST and
// PATCH only after SetRetryAllowNonIdempotent.
//
// A request whose body is a reader of any kind, or multipart with a file, a
// reader or ordered values, is not sent again. Resty would fail it, or seek back
// a reader that the first try may be reading still, or send the beginning of a
// file twice. [Install] sends bytes.Buffer, bytes.Reader and strings.Reader
// again, each whole.
func RetryRejected(res *resty.Response, _ error) bool {
	if res == nil || res.Request == nil || !authtrip.Rejected(res.RawResponse) {
		return false
	}
	// Multipart of that kind has a pipe here, other multipart nothing.
	if _, streamed := res.Request.Body.(io.Reader); streamed {
		return false
	}
	t, ok := res.Request.Context().Value(triesKey{}).(*tries)
	return ok && !t.rejected.Swap(true)
}

// tries is what is known of a request over all times that Resty sends it.
type tries struct {
	of       *resty.Request
	rejected atomic.Bool // one had its token rejected, and another followed
}

type triesKey struct{}

// withTries returns a context with the tries of r, which ctx may be of.
func withTries(ctx context.Context, r *resty.Request) context.Context {
	if t, ok := ctx.Value(triesKey{}).(*tries); ok && t.of == r {
		return ctx
	}
	return context.WithValue(ctx, triesKey{}, &tries{of: r})
}
