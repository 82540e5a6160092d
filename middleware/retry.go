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
// once more when its token was rejected, with HTTP 200 too.
//
// A request whose body is a reader, or multipart, is not sent again: Resty does
// not rewind them and would send what is left. [Install] sends them again whole.
func RetryRejected(res *resty.Response, _ error) bool {
	if res == nil || res.Request == nil || !authtrip.Rejected(res.RawResponse) || !whole(res.Request) {
		return false
	}
	t, ok := res.Request.Context().Value(triesKey{}).(*tries)
	return ok && !t.rejected.Swap(true)
}

// whole reports whether Resty would send r's body again as it was.
func whole(r *resty.Request) bool {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		return false
	}
	_, reader := r.Body.(io.Reader)
	return !reader || r.Body == http.NoBody
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
