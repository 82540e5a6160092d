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
	hooks := &e.client.manager.hooks
	var replay *http.Request
	defer func() {
		if p := recover(); p != nil { // in code of the user's
			_ = res.Body.Close()
			if replay != nil && replay.Body != nil {
				_ = replay.Body.Close()
			}
			panic(p)
		}
	}()
	giveBack := func(why error) (*http.Response, error) {
		e.client.counted().notReplayed.Add(1)
		if f := hooks.NotReplayed; f != nil {
			f(req.Context(), e.client.ID, why)
		}
		return rejected(res, req), nil
	}
	again := replayable(req)
	wanted, ok, first := e.reject(tok)
	e.tellRejected(req.Context(), res.StatusCode, first)
	switch {
	case t.NoReplay:
		return giveBack(e.fail(errNoReplay))
	case !again:
		return giveBack(e.fail(errNotReplayable))
	case !ok:
		return giveBack(e.fail(errPaused))
	}
	res, ahead := readAhead(res)
	another, err := e.reissue(req.Context(), tok, wanted)
	if err != nil {
		if req.Context().Err() != nil {
			_ = res.Body.Close()
			return nil, e.fail(leaving(req.Context()))
		}
		return giveBack(err)
	}
	replay, err = copyBody(req)
	if err != nil {
		return giveBack(e.fail(err))
	}
	if !ahead.giveUp(req.Context(), e.client.manager.ctx) {
		if replay.Body != nil {
			_ = replay.Body.Close()
		}
		return giveBack(e.fail(ErrClosed))
	}

	if f := hooks.Replay; f != nil {
		if values := f(req.Context(), e.client.ID); values != nil {
			replay = replay.WithContext(flightContext{req.Context(), values})
		}
	}
	e.client.counted().replays.Add(1)
	second, err := t.send(replay, req, e.client, another, own)
	if err != nil {
		e.tellReplayed(req.Context(), false, err)
		return nil, err
	}
	second, again = e.judge(req, second)
	first = e.replayed(another, !again)
	res = second
	if again {
		e.tellRejected(req.Context(), second.StatusCode, first)
		second = rejected(second, req)
	}
	e.tellReplayed(req.Context(), !again, nil)
	return second, nil
}

// tellRejected tells that a response rejected the token of a request.
func (e *entry) tellRejected(ctx context.Context, status int, first bool) {
	e.client.counted().rejections.Add(1)
	if f := e.client.manager.hooks.Rejected; f != nil {
		f(ctx, e.client.ID, status, first)
	}
}

func (e *entry) tellReplayed(ctx context.Context, accepted bool, err error) {
	if f := e.client.manager.hooks.Replayed; f != nil {
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
