package middleware

import (
	"errors"
	"net/http"
	"reflect"

	"github.com/authtrip/authtrip"
	"github.com/go-resty/resty/v2"
)

// Install wraps the transport under client in an [authtrip.Transport], over
// all that it has: proxy, TLS, a transport of your own. Time-outs, cookies,
// redirect policy, retries and hooks of the client stay as they are. Requests
// get tokens of src from then on, whichever goroutine makes them; a rejected
// one is replaced and the request sent once more, before Resty sees a response.
//
// Install comes last. After it Resty cannot change the transport any more:
// SetProxy, RemoveProxy, SetTLSClientConfig, SetCertificates, SetRootCertificate
// and their like only log that it is no *http.Transport, and have no effect.
// Call [Uninstall], then those, then Install again. SetTransport after it would
// let requests go without a token: they are refused, with an error that says so,
// until Install is called again. SetDigestAuth, before or after, has them
// refused for good.
//
// Clones share the http.Client and with it the tokens. The refusal is a hook of
// the client that Install was given, and of clones that are made of it later:
// call Install for each that there was before, or better before Clone, since in
// Resty a hook that one clone registers may take another's place. A copy of the http.Client has
// the tokens too, and keeps them after Uninstall.
//
// A debug log (SetDebug) does not show the token. Unless the client has log
// callbacks of its own, Install sets [RedactRequestLog] and
// [RedactResponseLog], for what callers put in headers themselves and for
// servers that repeat what they were sent.
//
// Calling it again with the same src does nothing; with another it adds that
// one's tokens, for its origins, which must be others. Like Resty's own setters
// it must not be called while requests are under way. A client over
// http.DefaultClient is refused, since all the program would send tokens.
func Install(client *resty.Client, src authtrip.Authorizer) error {
	if client == nil {
		return errNoClient
	}
	if err := fit(client.GetClient(), src); err != nil {
		return err
	}
	if err := stackOf(client.GetClient()).install(client.GetClient(), src); err != nil {
		return err
	}
	setCheck(client)
	setLogCallbacks(client)
	return nil
}

// Uninstall takes off what [Install] put under client and its clones, so that
// the transport is the one that was there before; one that took the place since
// then stays, and so do tokens where that is around Install's. The log callbacks
// stay too. A hook of [BeforeRequest] puts its own back before the next request.
// It must not be called while requests are under way.
func Uninstall(client *resty.Client) {
	if client != nil && client.GetClient() != nil {
		stackOf(client.GetClient()).clear(client.GetClient())
	}
}

var (
	errNoClient      = errors.New("middleware: no client was given, or one without an http.Client: make it with resty.New")
	errNoSource      = errors.New("middleware: no Source was given: give the *Source that authtrip.NewSource made, or a *Manager")
	errDefaultClient = errors.New("middleware: the Resty client is over http.DefaultClient, which the whole program uses: make it with resty.New, or over an http.Client of its own")
)

// fit says what is wrong with the two, or nil.
func fit(hc *http.Client, src authtrip.Authorizer) error {
	source, isSource := src.(*authtrip.Source)
	manager, isManager := src.(*authtrip.Manager)
	switch {
	case hc == nil:
		return errNoClient
	case hc == http.DefaultClient:
		return errDefaultClient
	case src == nil, isSource && source == nil, isManager && manager == nil, !reflect.ValueOf(src).Comparable():
		return errNoSource
	}
	return nil
}
