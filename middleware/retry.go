package middleware

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/authtrip/authtrip"
	"github.com/go-resty/resty/v2"
)

// RetryRejected is a retry condition, for AddRetryCondition, of clients with
// [BeforeRequest] and a SetRetryCount of 1 or more: it has Resty send a request
// once more when its token was rejected, with HTTP 200 too. Asked again about
// the same response it says the same.
//
// Resty retries errors by itself only as long as it has no condition: add one
// for them, should they be retried. RetryRejected says no to them.
//
// It says no, too, where Resty would do harm: to a body that is a reader, or
// multipart, which Resty does not rewind and would send what is left of; and to
// a response that Resty does not read (SetDoNotParseResponse, SetOutput), which
// it would leave open. [Install] sends all of them again. A hook that replaces
// the request's context (SetContext) after BeforeRequest's ends it as well.
func RetryRejected(res *resty.Response, _ error) bool {
	if res == nil || res.Request == nil || res.Body() == nil || !authtrip.Rejected(res.RawResponse) || !whole(res.Request) {
		return false
	}
	t, ok := res.Request.Context().Value(triesKey{}).(*tries)
	return ok && (t.rejected.CompareAndSwap(nil, res.RawResponse) || t.rejected.Load() == res.RawResponse)
}

// whole reports whether Resty would send r's body again as it was.
func whole(r *resty.Request) bool {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		return false
	}
	_, reader := r.Body.(io.Reader)
	return !reader || r.Body == http.NoBody
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
