// Package restyv3 brings authtrip to Resty v3 (resty.dev/v3).
//
// [Install] is the way for most: it wraps the transport under the client, so
// that every request gets a token and a rejected one is replaced:
//
//	client := resty.New()
//	err := restyv3.Install(client, src)
//	res, err := client.R().Get("https://core.api.nhncloudservice.com/v1/organizations")
//
// [Attach] is a request middleware that attaches only, for programs that keep
// to Resty's own retry:
//
//	client.AddRequestMiddleware(restyv3.Attach(src))
//	client.SetRetryCount(1).AddRetryConditions(restyv3.RetryRejected)
//
// Either way Resty never holds the token: its debug log, its curl commands and
// its redirect policies cannot show it or carry it on. Client.Close leaves the
// Source alone; whoever made it closes it.
//
// A resty.SSESource has an HTTP client of its own. Give it the transport of a
// client with Install, and it has that one's proxy and TLS too, or one alone:
//
//	resty.NewSSESource().SetTransport(client.Transport())
//	resty.NewSSESource().SetTransport(&authtrip.Transport{Source: src})
//
// Either keeps its tokens, whatever becomes of the client: it does not follow a
// later SetTransport, and Uninstall does not reach it. A token is asked for
// whenever the stream is opened; one that ends while the stream is open does not
// end the stream.
//
// # Large bodies
//
// Resty gives the memory of a body that is a string, bytes, a form or a value to
// encode to other requests as soon as there is an answer, although net/http may
// be sending it still when a server answers early, such as with a 401 to 2 MB of
// upload. That is so without authtrip too: give large bodies as a bytes.Reader,
// which Resty leaves alone.
//
// # Resty's circuit breaker
//
// It guards the API, and authtrip has its own that guards the authorization
// server. Resty's counts responses while it is closed, so that no number of
// token failures opens it. When it is half-open, any error of the one request
// that it lets through opens it again, that of a token too, although the API was
// not asked. [Breaker] lets none through then unless there is a token for it.
package restyv3
