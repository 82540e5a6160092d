package authtrip

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"sync"
	"time"
)

const (
	// headStart is how much of a rejecting response is read while another
	// token is fetched, so that a server's write time-out cuts nothing small.
	headStart = 64 << 10
	// drainTime bounds how long a response that was given up is read, for the
	// sake of its connection.
	drainTime = 50 * time.Millisecond
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
	e = e.pinned()
	defer e.unpin()
	wanted, ok := e.reject(tok)
	switch {
	case t.NoReplay:
		return giveBack(e.fail(errNoReplay))
	case !again:
		return giveBack(e.fail(errNotReplayable))
	case !ok:
		return giveBack(e.fail(errPaused))
	}
	res, first := readAhead(res, func(body io.Reader) { _, _ = io.CopyN(io.Discard, body, headStart) })
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

// ahead is a response body of which some is read before its reader asks. One
// goroutine reads into head; while it does, nobody else reads body.
type ahead struct {
	body io.ReadCloser
	done chan struct{} // closed when that goroutine has ended
	// At its end, the body writes the trailer of the response it came with,
	// from whatever goroutine reads it. So its reader has a copy of that
	// response, whose trailer is written when the reader comes to the end.
	from, to *http.Response

	mu      sync.Mutex
	changed sync.Cond // on mu: head, err or filling changed
	head    []byte    // guarded by mu
	err     error     // guarded by mu; the first that body.Read returned
	filling bool      // guarded by mu
	closed  bool      // guarded by mu
}

// readAhead returns a copy of res with an ahead in place of its body, and
// starts read, which is given the body; what it reads is put back.
func readAhead(res *http.Response, read func(io.Reader)) (*http.Response, *ahead) {
	a := &ahead{body: res.Body, done: make(chan struct{}), from: res, filling: true}
	a.changed.L = &a.mu
	if res.Body == http.NoBody {
		close(a.done)
		return res, a
	}
	a.to = new(http.Response)
	*a.to = *res
	a.to.Trailer = maps.Clone(res.Trailer)
	a.to.Body = a
	go a.fill(read)
	return a.to, a
}

func (a *ahead) fill(read func(io.Reader)) {
	defer close(a.done)
	defer func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if p := recover(); p != nil { // nobody could, on this goroutine
			a.err = fmt.Errorf("authtrip: panic (%T) in the response body's Read", p)
		}
		a.filling = false
		a.changed.Broadcast()
	}()
	read(filler{a})
}

// filler reads an ahead's body into its head.
type filler struct{ a *ahead }

func (f filler) Read(p []byte) (int, error) {
	if err := f.a.err; err != nil { // only the filler writes it while it fills
		return 0, err
	}
	n, err := f.a.body.Read(p)
	f.a.mu.Lock()
	defer f.a.mu.Unlock()
	if !f.a.closed {
		f.a.head = append(f.a.head, p[:n]...)
	}
	f.a.err = err
	f.a.changed.Broadcast()
	return n, err
}

// giveUp closes the body, at its end if that is near, unless the manager is
// closed before, which it reports.
func (a *ahead) giveUp(caller, manager context.Context) (done bool) {
	t := time.NewTimer(drainTime)
	defer t.Stop()
	select {
	case <-a.done:
	case <-t.C:
	case <-caller.Done():
	case <-manager.Done():
	}
	if manager.Err() != nil && caller.Err() == nil {
		return false
	}
	_ = a.body.Close()
	return true
}

// Read implements [io.Reader].
func (a *ahead) Read(p []byte) (int, error) {
	n, err, ok := a.fromHead(p)
	if !ok {
		n, err = a.body.Read(p)
	}
	if err == io.EOF {
		a.copyTrailer()
	}
	return n, err
}

// copyTrailer is called on the reader's goroutine, at the body's end.
func (a *ahead) copyTrailer() {
	if a.to.Trailer == nil { // none was announced
		a.to.Trailer = a.from.Trailer
		return
	}
	maps.Copy(a.to.Trailer, a.from.Trailer)
}

// fromHead reads what was read ahead, or waits for it; ok is false when the
// body itself is to be read.
func (a *ahead) fromHead(p []byte) (n int, err error, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.head) == 0 && a.filling {
		a.changed.Wait()
	}
	if len(a.head) > 0 {
		n = copy(p, a.head)
		a.head = a.head[n:]
		return n, nil, true
	}
	return 0, a.err, a.err != nil && !a.closed
}

// Close implements [io.Closer]. It ends a Read that is under way, and with it
// the filling; what a Read gets from then on is the body's to say.
func (a *ahead) Close() error {
	err := a.body.Close()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.head, a.closed = nil, true
	return err
}
