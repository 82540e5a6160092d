package restyv3

import (
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
// The token is put on by a transport which the middleware, before its first
// request, puts under the client. So neither SetAuthToken nor a redirect to
// another host nor a debug log gets hold of it, and an error of the token's
// comes as any error of the network does, to retry conditions too. All requests
// of the client's http.Client go through it, which Clone shares.
//
// Register it before the client is used, and let nothing else over the same
// http.Client, such as a clone, be sending before the first request: that is when
// its transport is set. Set the client's own transport, proxy and TLS before that
// (see Install for what works later); after SetTransport the middleware refuses
// requests, as no token would be on them. One middleware may serve several
// clients.
//
// Without Install there is no debug callback: set [RedactDebugLog] where a debug
// log may show what servers repeat.
func Attach(src authtrip.Authorizer) resty.RequestMiddleware {
	return func(c *resty.Client, r *resty.Request) error {
		if err := refusal(c, src); err != nil {
			return err
		}
		hooked, err := stateOf(c.Client()).attach(c, src)
		if err == nil && hooked {
			r.SetContext(withTries(r.Context(), r))
		}
		return err
	}
}
