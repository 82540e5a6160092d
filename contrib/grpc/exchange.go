package authgrpc

import (
	"context"
	"errors"
	"net/http"

	"github.com/authtrip/authtrip"
)

// errNoVerdict ends an exchange: nothing is known of the token.
var errNoVerdict = errors.New("the RPC ended without a verdict on its token")

// errGone is what an exchange ends with when code of the user's ended its
// goroutine.
var errGone = errors.New("what judges an RPC's token has called runtime.Goexit")

// exchange is one RPC as an [authtrip.Transport] sees it: a request that it
// sends, and sends again when the answer is 401 and there is another token. So
// the suspicion, the reissue, the pause and what is known of a repeat are the
// Transport's own.
//
// It is also what sends for the Transport, which has a goroutine of its own: it
// hands out the header that a request has, and stands still until the RPC that
// has it has ended. On the other side one goroutine at a time uses an exchange,
// and calls end at last.
type exchange struct {
	uri    string
	before http.Header       // the RPC's own metadata
	md     map[string]string // what the Transport attached last

	sends    chan http.Header // closed when the Transport is done
	verdicts chan int         // what the Transport is answered; 0, or closed: nothing is known
	done     bool             // sends was seen closed
	err      error            // the Transport's, when it is done
	panicked any              // what it panicked with, when it is done
}

var _ http.RoundTripper = (*exchange)(nil)

// begin returns an exchange that waits for the RPC's end. It waits for a token
// until req's context ends, which gRPC made of the caller's for one attempt, and
// for another token until the caller's does.
func begin(caller context.Context, src *authtrip.Source, req *http.Request) (*exchange, error) {
	ctx, cancel := context.WithCancelCause(caller)
	leave := context.AfterFunc(req.Context(), func() { cancel(context.Cause(req.Context())) })
	defer leave()
	x := &exchange{
		uri: req.URL.String(), before: req.Header,
		sends: make(chan http.Header), verdicts: make(chan int), err: errGone,
	}
	go func() {
		defer close(x.sends)
		defer func() { x.panicked = recover() }()
		defer cancel(nil)
		_, x.err = (&authtrip.Transport{Source: src, Base: x}).RoundTrip(req.WithContext(ctx))
	}()
	ok, err := x.next()
	switch {
	case err != nil:
		return nil, err
	case !ok && caller.Err() != nil: // the attempt's may not know yet
		return nil, failed(caller, x.err)
	case !ok:
		return nil, failed(req.Context(), x.err)
	}
	return x, nil
}

// RoundTrip implements [http.RoundTripper] for the Transport.
func (x *exchange) RoundTrip(out *http.Request) (*http.Response, error) {
	x.sends <- out.Header
	status := <-x.verdicts
	if status == 0 {
		return nil, errNoVerdict
	}
	return answer(out, status), nil
}

// judge tells the Transport how the RPC ended, and reports whether it sends
// again; x.md is then what to attach. It may wait for another token.
func (x *exchange) judge(status int) bool {
	x.verdicts <- status
	again, _ := x.next() // its error would have been the first time's
	return again
}

// next waits until the Transport sends, which it reports, or is done. An error
// ends the exchange. Should the Transport panic, so does next.
func (x *exchange) next() (bool, error) {
	header, ok := <-x.sends
	if !ok {
		x.done = true
		if x.panicked != nil {
			panic(x.panicked)
		}
		return false, nil
	}
	md, err := added(x.before, header)
	if err != nil {
		x.end()
		return false, err
	}
	x.md = md
	return true, nil
}

// end ends an exchange that waits, without a verdict. It does nothing to one
// that is done, and to nil.
func (x *exchange) end() {
	if x == nil || x.done {
		return
	}
	x.done = true
	close(x.verdicts)
	for range x.sends { // until it is closed: the goroutine is gone then
	}
}

// answer is an HTTP response that has nothing but its status.
func answer(req *http.Request, code int) *http.Response {
	return &http.Response{
		Status: http.StatusText(code), StatusCode: code,
		Proto: "HTTP/2.0", ProtoMajor: 2,
		Header: http.Header{}, Body: http.NoBody, Request: req,
	}
}
