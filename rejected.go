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
	mark, ok := res.Request.Context().Value(rejectedKey{}).(*rejection)
	return ok && mark.request == res.Request
}

type rejectedKey struct{}

// rejection is in the context of the request of a rejecting response. What is
// around the Transport may change the body and the response, and leaves the
// request alone; a request made from that context later is another.
type rejection struct{ request *http.Request }

// rejected returns res, which rejected the token of a request of callers, such
// that Rejected knows it.
func rejected(res *http.Response, callers *http.Request) *http.Response {
	mark := new(rejection)
	mark.request = callers.WithContext(context.WithValue(callers.Context(), rejectedKey{}, mark))
	if res.Request == nil { // the base may share it among all requests
		shared := *res
		res = &shared
	}
	res.Request = mark.request
	return res
}
