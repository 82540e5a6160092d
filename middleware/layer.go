package middleware

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"weak"

	"github.com/authtrip/authtrip"
)

// layer is one of the RoundTrippers that this package puts under a client, one
// over the other.
type layer struct {
	authtrip.Transport
	client weak.Pointer[http.Client]
	hooked bool // of BeforeRequest: it attaches only
	// loose is set when the layer is not the client's any more. What holds it
	// still, a copy of the http.Client or a transport around it, goes on with
	// tokens.
	loose atomic.Bool
}

// transports guards the Transport field of the http.Clients that have layers,
// as far as this package reads and writes it.
var transports sync.RWMutex

// RoundTrip implements [http.RoundTripper].
func (l *layer) RoundTrip(req *http.Request) (*http.Response, error) {
	// SetDigestAuth puts its transport over this one for as long as a request
	// runs, and leaves it there when one fails.
	if hc := l.client.Value(); hc != nil && !l.loose.Load() {
		if err := inPlace(hc, l); err != nil {
			return nil, refuse(req, err)
		}
	}
	return l.Transport.RoundTrip(req)
}

// inPlace reports why l does not serve hc's requests.
func inPlace(hc *http.Client, l *layer) error {
	transports.RLock()
	defer transports.RUnlock()
	return serves(hc.Transport, l)
}

// serves is inPlace, for those who hold transports.
func serves(rt http.RoundTripper, l *layer) error {
	for {
		top, ok := rt.(*layer)
		switch {
		case !ok:
			return foreign(rt)
		case top == l:
			return nil
		}
		rt = top.Base
	}
}

var errDigest = errors.New("middleware: SetDigestAuth replaces the client's transport while requests run, which could then go without a token: use another client for it")

func isDigest(rt http.RoundTripper) bool { return fmt.Sprintf("%T", rt) == "*resty.digestTransport" }

// foreign says what took a layer's place.
func foreign(rt http.RoundTripper) error {
	if isDigest(rt) {
		return errDigest
	}
	return fmt.Errorf("middleware: the client's transport was replaced by a %T, and requests could go without a token: after SetTransport call Install again; for BeforeRequest, Uninstall", rt)
}

// refuse closes the body of a request that is not sent.
func refuse(req *http.Request, err error) error {
	if req.Body != nil {
		_ = req.Body.Close()
	}
	return err
}
