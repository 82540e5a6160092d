package authtrip

import (
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
	defer func() {
		if p := recover(); p != nil { // in code of the user's
			_ = res.Body.Close()
			panic(p)
		}
	}()
	giveBack := func(why error) (*http.Response, error) {
		if f := e.client.manager.hooks.NotReplayed; f != nil {
			f(e.client.ID, why)
		}
		return rejected(res, req), nil
	}
	again := replayable(req)
	wanted, ok := e.reject(tok)
	switch {
	case t.NoReplay:
		return giveBack(e.fail(errNoReplay))
	case !again:
		return giveBack(e.fail(errNotReplayable))
	case !ok:
		return giveBack(e.fail(errPaused))
	}
	res, first := readAhead(res)
	another, err := e.reissue(req.Context(), tok, wanted)
	if err != nil {
		if req.Context().Err() != nil {
			_ = res.Body.Close()
			return nil, e.fail(leaving(req.Context()))
		}
		return giveBack(err)
	}
	replay, err := copyBody(req)
	if err != nil {
		return giveBack(e.fail(err))
	}
	if !first.giveUp(req.Context(), e.client.manager.ctx) {
		if replay.Body != nil {
			_ = replay.Body.Close()
		}
		return giveBack(e.fail(ErrClosed))
	}

	second, err := t.send(replay, req, e.client, another, own)
	if err != nil {
		return nil, err
	}
	second, again = e.judge(req, second)
	e.replayed(another, !again)
	if again {
		second = rejected(second, req)
	}
	return second, nil
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
