package restyv3

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"

	"github.com/authtrip/authtrip"
	"resty.dev/v3"
)

// RetryRejected is a retry condition, for AddRetryConditions, of clients with
// [Attach] and a SetRetryCount of 1 or more: it has Resty send a request once
// more when its token was rejected, with HTTP 200 too. Asked again about the same
// response it says the same. Resty retries POST and PATCH only after
// SetRetryAllowNonIdempotent.
//
// A request whose body is a reader of any kind, or multipart with a file, a
// reader or ordered values, is not sent again. Resty would fail it, or seek back
// a reader that the first try may be reading still, or send the beginning of a
// file twice. [Install] sends bytes.Buffer, bytes.Reader and strings.Reader
// again, each whole. A middleware that replaces the request's context
// (SetContext) after Attach ends it as well.
func RetryRejected(res *resty.Response, _ error) bool {
	if res == nil || res.Request == nil || !authtrip.Rejected(res.RawResponse) {
		return false
	}
	// Multipart of that kind has a pipe here, other multipart nothing.
	if _, streamed := res.Request.Body.(io.Reader); streamed {
		return false
	}
	t, ok := res.Request.Context().Value(triesKey{}).(*tries)
	return ok && (t.rejected.CompareAndSwap(nil, res.RawResponse) || t.rejected.Load() == res.RawResponse)
}

// tries are a request and, when its token was rejected, the one that follows.
type tries struct {
	of       *resty.Request
	rejected atomic.Pointer[http.Response] // the first's
	second   bool                          // is under way
	// before is of's RawRequest when its hooks run: that of the try before, and
	// so the same for all hooks of one try.
	before *http.Request
	// ctx has these tries, and parent is what it was made of.
	parent, ctx context.Context
}

type triesKey struct{}

// withTries returns a context with the tries of r, of which ctx may be.
func withTries(ctx context.Context, r *resty.Request) context.Context {
	if t, ok := ctx.Value(triesKey{}).(*tries); ok && t.of == r {
		switch {
		case t.before == r.RawRequest: // another hook of the same try
			return ctx
		case t.rejected.Load() != nil && !t.second:
			t.second, t.before = true, r.RawRequest
			return ctx
		case t.ctx == ctx: // r is used again
			ctx = t.parent
		}
	}
	t := &tries{of: r, before: r.RawRequest, parent: ctx}
	t.ctx = context.WithValue(ctx, triesKey{}, t)
	return t.ctx
}
