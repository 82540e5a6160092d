package restyv3

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"

	"github.com/authtrip/authtrip"
	"resty.dev/v3"
)

// Install wraps the transport under client in an [authtrip.Transport], over
// all that it has: proxy, TLS, a transport of your own. Time-outs, cookies,
// redirect policy, retries, circuit breaker and middlewares of the client stay
// as they are. Requests get tokens of src from then on, whichever goroutine
// makes them; a rejected one is replaced and the request sent once more, before
// Resty sees a response. That goes for all bodies but those that Resty streams:
// readers other than bytes.Buffer, bytes.Reader and strings.Reader, and multipart
// fields set with a file, a reader or in an order. They are sent once; their
// rejection comes back as it is, and the next request has another token.
//
// Install comes last, but for these. SetTLSClientConfig, SetCertificates,
// SetRootCertificates and their like work after it as they do before it: until
// the client's first request, since net/http reads the configuration without a
// lock from then on. SetHedging works before and after it; each hedged copy
// gets its token by itself. SetDigestAuth works right after it, for tokens that
// have a header of their own; before it, Install refuses the client.
//
// SetProxy and RemoveProxy only log that the transport is no *http.Transport,
// and have no effect, as HTTPTransport gives an error: call [Uninstall], then
// those, then Install again. SetTransport would let requests go without a token:
// they are refused, with an error that says so, until Install is called again.
// The refusal is a request middleware, which SetRequestMiddlewares takes away and
// Install, called again, brings back.
//
// Clones share the http.Client and with it the tokens. The refusal is of the
// client that Install was given, and of clones that are made of it later: call
// Install for each that there was before, as for each other client over the same
// http.Client. Better clone after Install, since AddRequestMiddleware, which it
// calls, may write to a list that earlier clones share: Resty's own fault, which
// leaves them without their last middleware. A copy of the http.Client has the
// tokens too, and keeps them whatever becomes of the client.
//
// A debug log (SetDebug) does not show the token. Unless the client has a
// callback of its own, Install sets [RedactDebugLog], for what callers put in
// requests themselves and for servers that repeat what they were sent.
//
// Calling it again with the same src does nothing; with another it adds that
// one's tokens, for its origins, which must be others. Like Resty's own setters
// it must not be called while requests are under way. A client over
// http.DefaultClient is refused, since all the program would send tokens.
func Install(client *resty.Client, src authtrip.Authorizer) error {
	if !made(client) {
		return errors.New("restyv3: Install was given no client: make one with resty.New")
	}
	if err := refusal(client, src); err != nil {
		return err
	}
	return stateOf(client.Client()).install(client, src)
}

// Uninstall takes off what [Install] put under client and its clones, so that
// the transport is the one that was there before; one that took the place since
// then stays, and so do tokens where that is around Install's. The debug callback
// stays too. A middleware of [Attach] puts its own back before the next request.
// It must not be called while requests are under way.
func Uninstall(client *resty.Client) {
	if made(client) && client.Client() != nil {
		stateOf(client.Client()).uninstall(client)
	}
}

// made reports whether client is from one of Resty's functions: the methods of
// a zero one panic.
func made(client *resty.Client) bool {
	return client != nil && !reflect.ValueOf(client).Elem().IsZero()
}

var errNoSource = errors.New("restyv3: no Source was given: make one with authtrip.NewSource, or give a Manager")

// refusal says why client cannot have src's tokens.
func refusal(client *resty.Client, src authtrip.Authorizer) error {
	switch {
	case missing(src):
		return errNoSource
	case !reflect.ValueOf(src).Comparable():
		return fmt.Errorf("restyv3: a %T cannot be told from another: give the Source or Manager in it, or a pointer", src)
	case client.Client() == nil:
		return errors.New("restyv3: the Resty client has no http.Client: make it with resty.New")
	case client.Client() == http.DefaultClient:
		return errors.New("restyv3: the Resty client is over http.DefaultClient, which the whole program uses: make it with resty.New, or over an http.Client of its own")
	}
	return nil
}

func missing(src authtrip.Authorizer) bool {
	switch s := src.(type) {
	case *authtrip.Source:
		return s == nil
	case *authtrip.Manager:
		return s == nil
	}
	return src == nil
}
