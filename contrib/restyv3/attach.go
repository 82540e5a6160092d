package restyv3

import (
	"context"
	"net/http"

	"github.com/authtrip/authtrip"
	"resty.dev/v3"
)

// Attach returns a request middleware, for AddRequestMiddleware, that has the
// client's requests carry a token, and no more: a response that rejects it comes
// back as it is. The next request has another token, and so has the next try,
// for those who use Resty's own retry: see [RetryRejected]. [Install] does both
// by itself and is the better choice where nothing speaks against it; this
// middleware beside it has nothing to do.
//
// The middleware only marks the request, in its context; one that comes after it
// must not replace that. The token is put on by a transport which the
// middleware, before its first request, puts under the client. So neither
// SetAuthToken nor a redirect to another host nor a debug log gets hold of it,
// and an error of the token's comes as any error of the network does, to retry
// conditions too.
//
// Register it before the client is used. Set the client's transport, proxy and
// TLS before the first request (see Install for what works later); after
// SetTransport the middleware refuses requests, as no token would be on them.
// One middleware may serve several clients.
func Attach(src authtrip.Authorizer) resty.RequestMiddleware {
	return func(c *resty.Client, r *resty.Request) error {
		if missing(src) {
			return errNoSource
		}
		if c.Client() == http.DefaultClient {
			return errDefaultClient
		}
		hooked, err := stateOf(c.Client()).attach(c, src)
		if err != nil || !hooked {
			return err
		}
		ctx := withTries(marked(r.Context(), src), r)
		r.SetContext(ctx)
		if r.RawRequest != nil { // made by a middleware before this one, or for the try before
			r.RawRequest = r.RawRequest.WithContext(ctx)
		}
		return nil
	}
}

// mark is the key, and with true the value, that Attach puts in the context of
// a request. A redirect of it has that context too.
type mark struct{ src authtrip.Authorizer }

func isMarked(ctx context.Context, src authtrip.Authorizer) bool {
	return ctx.Value(mark{src}) != nil
}

func marked(ctx context.Context, src authtrip.Authorizer) context.Context {
	if isMarked(ctx, src) {
		return ctx
	}
	return context.WithValue(ctx, mark{src}, true)
}
