package authtrip

import (
	"context"
	"net/http"
)

// Rejected reports whether a [Transport] handed on res although it rejects the
// token that was sent: NoReplay is set, the request could not be sent again, no
// other token could be had, or that was rejected too. It is for the conditions
// of layers that retry by themselves, and knows the rejections that come with
// HTTP 200. Res may be nil.
func Rejected(res *http.Response) bool {
	if res == nil || res.Request == nil {
		return false
	}
	mark, ok := res.Request.Context().(*rejection)
	return ok && mark.request == res.Request
}

// rejection is the context of the request of a rejecting response. What is
// around the Transport may change the body and the response, and leaves the
// request alone; a request made from that context later is another.
type rejection struct {
	context.Context
	request *http.Request
}

// rejected returns res, which rejected the token of a request of callers, such
// that Rejected knows it.
func rejected(res *http.Response, callers *http.Request) *http.Response {
	callers = unmarked(callers)
	mark := &rejection{Context: callers.Context()}
	mark.request = callers.WithContext(mark)
	if res.Request == nil {
		res = unshared(res)
	}
	res.Request = mark.request
	return res
}

// unmarked returns req without the mark of an earlier response: a layer may
// send a rejected response's Request again.
func unmarked(req *http.Request) *http.Request {
	if mark, ok := req.Context().(*rejection); ok && mark.request == req {
		return req.WithContext(mark.Context)
	}
	return req
}

// unshared returns a copy of res, which the base may share among all requests.
// A body writes its trailers to the response it came with: they are copied when
// they come.
func unshared(res *http.Response) *http.Response {
	if res.Body == http.NoBody {
		alone := *res
		return &alone
	}
	return &newAhead(res).to
}
