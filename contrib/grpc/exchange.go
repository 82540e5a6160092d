package authgrpc

import (
	"context"
	"errors"
	"iter"
	"net/http"

	"github.com/authtrip/authtrip"
)

// errNoVerdict ends an exchange: nothing is known of the token.
var errNoVerdict = errors.New("the RPC ended without a verdict on its token")

// exchange is one RPC as an [authtrip.Transport] sees it: a request that it
// sends, and sends again when the answer is 401 and there is another token. So
// the suspicion, the reissue, the pause and what is known of a repeat are the
// Transport's own.
//
// What sends for the Transport is a coroutine: it hands out the header that a
// request has, and stands still until the RPC that has it has ended. One
// goroutine at a time uses an exchange.
type exchange struct {
	uri    string
	before http.Header        // the RPC's own metadata
	md     map[string]string  // what the Transport attached last
	cancel context.CancelFunc // ends what the Transport waits for

	resume func() (http.Header, bool) // false: the Transport is done
	stop   func()
	status int   // what the Transport is answered; 0: nothing is known
	err    error // the Transport's
}

// begin returns an exchange that waits for the RPC's end. It waits for a token
// until req's context ends, which gRPC made of the caller's for one attempt, and
// for another token until the caller's does.
func begin(caller context.Context, src *authtrip.Source, req *http.Request) (*exchange, error) {
	ctx, cancel := context.WithCancelCause(caller)
	leave := context.AfterFunc(req.Context(), func() { cancel(context.Cause(req.Context())) })
	defer leave()
	x := &exchange{uri: req.URL.String(), before: req.Header, cancel: func() { cancel(nil) }}
	x.resume, x.stop = iter.Pull(func(yield func(http.Header) bool) {
		t := &authtrip.Transport{Source: src, Base: sender(func(out *http.Request) (*http.Response, error) {
			if !yield(out.Header) || x.status == 0 {
				return nil, errNoVerdict
			}
			return answer(out, x.status), nil
		})}
		_, x.err = t.RoundTrip(req.WithContext(ctx))
	})
	ok, err := x.step()
	switch {
	case err != nil:
		x.end()
		return nil, err
	case !ok:
		x.end()
		if caller.Err() != nil { // the attempt's may not know yet
			return nil, failed(caller, x.err)
		}
		return nil, failed(req.Context(), x.err)
	}
	return x, nil
}

// judge tells the Transport how the RPC ended, and reports whether it sends
// again; x.md is then what to attach. It may wait for another token.
func (x *exchange) judge(status int) bool {
	x.status = status
	again, err := x.step()
	return again && err == nil
}

// step runs the Transport until it sends, which it reports, or is done.
func (x *exchange) step() (bool, error) {
	header, ok := x.resume()
	if !ok {
		return false, nil
	}
	var err error
	x.md, err = added(x.before, header)
	return err == nil, err
}

// end ends an exchange that waits, without a verdict, or is done.
func (x *exchange) end() {
	x.status = 0
	x.stop()
	x.cancel()
}

// answer is an HTTP response that has nothing but its status.
func answer(req *http.Request, code int) *http.Response {
	return &http.Response{
		Status: http.StatusText(code), StatusCode: code,
		Proto: "HTTP/2.0", ProtoMajor: 2,
		Header: http.Header{}, Body: http.NoBody, Request: req,
	}
}

type sender func(*http.Request) (*http.Response, error)

func (f sender) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
