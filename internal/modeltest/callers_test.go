package modeltest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/authtrip/authtrip"
)

// caller is one that wants a request answered, or a token.
type caller struct {
	id int
	shape
	asks bool // for a token, and sends nothing

	// All below is guarded by the world's lock.

	start moment
	need  moment // when it began to need a token last: at start, or when one was rejected
	ends  moment // its context; never
	sends []*sent
	got   moment // when it had a response; never
	end   moment // never, while it is under way

	// What the model knew when it came.
	had     *token // could be used, and nothing spoke against it
	refused string // "", or why there can be no token for it at once
	found   *token // was in use; nil: none
	// What it knew when its first token was rejected.
	mayPause, mayFail bool
}

// sent is one sending of a request.
type sent struct {
	token      string
	start, end moment // end is never while there is no answer
	status     int
	rejected   bool
	err        error
}

func (c *caller) leftBy(now moment) bool { return c.ends != never && now >= c.ends }

// result is what a caller got.
type result struct {
	err      error // of the request, or of reading its response
	status   int
	rejected bool // authtrip.Rejected
	byAPI    bool
	body     []byte
	token    authtrip.Token
}

// begin starts a caller, whose context counts from now.
func (w *world) begin(s shape, asks bool) *caller {
	w.mu.Lock()
	c := &caller{shape: s, asks: asks}
	w.model.callerBegins(c)
	w.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	stop := func() bool { return true }
	switch {
	case s.patience > 0 && s.cancels:
		stop = time.AfterFunc(s.patience, cancel).Stop
	case s.patience > 0:
		cancel()
		ctx, cancel = context.WithTimeout(context.Background(), s.patience)
	}
	w.cancels = append(w.cancels, cancel)
	w.under.Go(func() {
		defer cancel()
		defer stop()
		var r result
		if asks {
			r.token, r.err = w.src.Token(ctx)
		} else {
			r = w.send(ctx, c)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if asks && r.err == nil {
			w.see(r.token)
		}
		w.model.callerEnds(c, r, w.shows)
	})
	return c
}

// send sends c's request and reads the response.
func (w *world) send(ctx context.Context, c *caller) (r result) {
	req := w.newRequest(ctx, c)
	client := w.client
	if c.noReplay {
		client = w.noReplay
	}
	res, err := client.Do(req)
	if len(req.Header) > 0 {
		r.err = fmt.Errorf("the caller's request was changed: %v", keys(req.Header))
		return r
	}
	if err != nil {
		r.err = err
		return r
	}
	w.told(func(m *model) {
		c.got = m.now()
		if n := len(c.sends); n == 1 && c.sends[0].rejected {
			m.handedOn++
		}
	})
	defer func() { _ = res.Body.Close() }()
	r.status, r.rejected, r.byAPI = res.StatusCode, authtrip.Rejected(res), res.Header.Get(byAPI) != ""
	if len(res.Request.Header) > 0 {
		r.err = fmt.Errorf("the response's Request shows headers: %v", keys(res.Request.Header))
		return r
	}
	var body bytes.Buffer
	if _, err := io.Copy(&body, res.Body); err != nil {
		r.err = &url.Error{Op: "Read", URL: req.URL.Path, Err: err}
	}
	r.body = body.Bytes()
	return r
}

func keys(h http.Header) (names []string) {
	for name := range h {
		names = append(names, name)
	}
	return names
}

// whole reports whether c got the whole answer that there was.
func (c *caller) whole(r result) bool {
	if r.byAPI {
		return bytes.Equal(r.body, c.bytes(c.reply))
	}
	return string(r.body) == unwelcome
}

// endOf reports whether err is the end of c's own context.
func (c *caller) endOf(err error) bool {
	if c.cancels {
		return errors.Is(err, context.Canceled)
	}
	t, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return errors.Is(err, context.DeadlineExceeded) && ok && t.Timeout()
}
