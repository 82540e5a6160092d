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
	// retired is set when the layer is taken off; what was set over it may hold
	// it still.
	retired atomic.Bool
}

// transports guards the Transport field of the http.Clients that have layers,
// as far as this package reads and writes it.
var transports sync.RWMutex

// RoundTrip implements [http.RoundTripper].
func (l *layer) RoundTrip(req *http.Request) (*http.Response, error) {
	if l.retired.Load() {
		return l.base().RoundTrip(req)
	}
	// SetDigestAuth puts its transport over this one for as long as a request
	// runs, and leaves it there when one fails.
	if hc := l.client.Value(); hc != nil {
		if err := inPlace(hc, l); err != nil {
			return nil, refuse(req, err)
		}
	}
	return l.Transport.RoundTrip(req)
}

func (l *layer) base() http.RoundTripper {
	if l.Base != nil {
		return l.Base
	}
	return http.DefaultTransport
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
