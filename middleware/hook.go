package middleware

import (
	"github.com/authtrip/authtrip"
	"github.com/go-resty/resty/v2"
)

// BeforeRequest returns a hook for OnBeforeRequest that has the client's
// requests carry a token, and no more: a response that rejects it comes back as
// it is. The next request has another token, and so has the next try, for those
// who use Resty's own retry: see [RetryRejected]. [Install] does both by itself
// and is the better choice where nothing speaks against it; a hook beside it
// has nothing to do.
//
// The token is put on by a transport which the hook, before its first request,
// puts under the client, and which waits for a token outside Resty's locks. So
// neither SetAuthToken nor a redirect to another host nor a debug log gets hold
// of it, and an error of the token's comes as any error of the network does, to
// retry conditions too. All requests of the client's http.Client go through it,
// which Clone shares.
//
// Register it before the client is used, and let no other client over the same
// http.Client, such as a clone, be in use before the first request: that is when
// its transport is set. Set the client's own transport, its proxy and its TLS
// before that; later SetProxy and its like have no effect (see Install), and
// after SetTransport the hook refuses requests, as no token would be on them. So
// it does after SetDigestAuth, but for the first request when that is called
// after the hook was registered and before the client was used: it goes without
// a token. One hook may serve several clients.
//
// Without Install there are no log callbacks: register [RedactRequestLog] and
// [RedactResponseLog] where a debug log may show what servers repeat.
func BeforeRequest(src authtrip.Authorizer) resty.RequestMiddleware {
	return func(c *resty.Client, r *resty.Request) error {
		hc := c.GetClient()
		if err := fit(hc, src); err != nil {
			return err
		}
		l, err := stackOf(hc).hook(hc, src)
		if err != nil {
			return err
		}
		if l != nil && l.hooked {
			r.SetContext(withTries(r.Context(), r))
		}
		return nil
	}
}
