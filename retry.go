package authtrip

import (
	"context"
	"errors"
	"net/http"
)

var (
	errNotReplayable = errors.New("the request's body cannot be sent again: set GetBody")
	errNoReplay      = errors.New("Transport.NoReplay leaves it to the caller to send the request again")
)

// retry answers a response that rejected tok: with the response to the same
// request sent again with another token, or, when there is none or the request
// cannot be sent again, with res itself.
func (t *Transport) retry(req *http.Request, res *http.Response, e *entry, tok *issued, own bool) (*http.Response, error) {
	a := &again{transport: t, entry: e, req: req, res: res}
	finished := false
	defer func() {
		if !finished { // code of the user's panicked
			a.abandon()
		}
	}()
	out, err := a.send(tok, own)
	finished = true
	return out, err
}

// again is a rejected request on its way to be sent again.
type again struct {
	transport *Transport
	entry     *entry
	req       *http.Request
	res       *http.Response // the first, then the second
	replay    *http.Request  // nil at first
}

func (a *again) abandon() {
	_ = a.res.Body.Close()
	if a.replay != nil && a.replay.Body != nil {
		_ = a.replay.Body.Close()
	}
}

func (a *again) send(tok *issued, own bool) (*http.Response, error) {
	e, req, hooks := a.entry, a.req, &a.entry.client.manager.hooks
	wanted, ok, first := e.reject(tok)
	e.tellRejected(req.Context(), a.res.StatusCode, first)
	switch {
	case a.transport.NoReplay:
		return a.giveBack(e.fail(errNoReplay))
	case !replayable(req):
		return a.giveBack(e.fail(errNotReplayable))
	case !ok:
		return a.giveBack(e.fail(errPaused))
	}
	res, ahead := readAhead(a.res)
	a.res = res
	another, err := e.reissue(req.Context(), tok, wanted)
	if err != nil {
		if req.Context().Err() != nil {
			_ = a.res.Body.Close()
			return nil, e.fail(leaving(req.Context()))
		}
		return a.giveBack(err)
	}
	a.replay, err = copyBody(req)
	if err != nil {
		return a.giveBack(e.fail(e.shown("", err)))
	}
	if !ahead.giveUp(req.Context(), e.client.manager.ctx) {
		if a.replay.Body != nil {
			_ = a.replay.Body.Close()
		}
		return a.giveBack(e.fail(ErrClosed))
	}

	if f := hooks.ReplayStart; f != nil {
		if values := f(req.Context(), e.client.ID); values != nil {
			a.replay = a.replay.WithContext(flightContext{req.Context(), values})
		}
	}
	e.client.counted().replays.Add(1)
	second, err := a.transport.send(a.replay, req, e.client, another, own)
	if err != nil {
		e.tellReplayed(req.Context(), false, err)
		return nil, err
	}
	second, rejectedToo := e.judge(req, second)
	a.res = second
	first = e.replayed(another, !rejectedToo)
	if rejectedToo {
		e.tellRejected(req.Context(), second.StatusCode, first)
		second = rejected(second, req)
	}
	e.tellReplayed(req.Context(), !rejectedToo, nil)
	return second, nil
}

// giveBack hands on the response that rejected the token.
func (a *again) giveBack(why error) (*http.Response, error) {
	a.entry.client.counted().notReplayed.Add(1)
	if f := a.entry.client.manager.hooks.NotReplayed; f != nil {
		f(a.req.Context(), a.entry.client.ID, why)
	}
	return rejected(a.res, a.req), nil
}

// shown is an error of the program's own code as a hook may have it: that may
// repeat the request, and so the token.
func (e *entry) shown(what string, err error) error { return newCallError(what, err, e.known()) }

// tellRejected tells that a response rejected the token of a request.
func (e *entry) tellRejected(ctx context.Context, status int, first bool) {
	e.client.counted().rejections.Add(1)
	if f := e.client.manager.hooks.Rejected; f != nil {
		f(ctx, e.client.ID, status, first)
	}
}

func (e *entry) tellReplayed(ctx context.Context, accepted bool, err error) {
	if f := e.client.manager.hooks.ReplayDone; f != nil {
		if err != nil {
			err = e.shown("", err)
		}
		f(ctx, e.client.ID, accepted, err)
	}
}

// replayable reports whether req can be sent twice. Trailers are filled in
// while the body is sent, so that a second time would send what the first left.
func replayable(req *http.Request) bool {
	return (req.Body == nil || req.Body == http.NoBody || req.GetBody != nil) && len(req.Trailer) == 0
}

// copyBody returns req with its body as it was at first.
func copyBody(req *http.Request) (*http.Request, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return req, nil
	}
	body, err := req.GetBody()
	if err == nil && body == nil {
		err = errors.New("the request's GetBody returned no body")
	}
	if err != nil {
		return nil, err
	}
	out := new(http.Request)
	*out = *req
	out.Body = body
	return out, nil
}
