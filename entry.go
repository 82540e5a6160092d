package authtrip

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// entry is the life of one token. Readers load current and take no lock;
// whoever changes anything holds mu. No I/O and no callback happens under mu.
//
// There may be a hundred thousand of them: what few have is in history.
type entry struct {
	client    *client
	current   atomic.Pointer[issued] // nil: none. Written under mu
	pins      atomic.Int32           // how many use the entry; below zero: it was evicted
	renewing  atomic.Bool            // a renewal behind the requests is under way
	principal string                 // who granted it; empty for a client's own token
	seen      uint64                 // guarded by tokens.mu; the login that the Store had last, see loginID

	mu      sync.Mutex
	history *history // guarded by mu; nil: none
}

var (
	errSameToken = errors.New("the authorization server gave the rejected token again")
	errPaused    = errors.New("a token reissued a moment ago was rejected too: not reissued again yet")
)

// fail wraps err with what this entry is about, unless it says so itself.
func (e *entry) fail(err error) error { return e.failAt(e.client.server, err) }

func (e *entry) failAt(server string, err error) error {
	if _, ok := errors.AsType[*ServerError](err); ok {
		return err
	}
	if _, ok := errors.AsType[*at](err); ok {
		return err
	}
	return &at{registration: e.client.ID, server: server, err: err}
}

// known is what a server may repeat though it is not sent it: the token that
// came last, which may be in use, and the one before. Short ones, as in tests,
// are words that stand in any error.
func (e *entry) known() (tokens []string) {
	last, previous := e.lastValues()
	for _, value := range []string{last, previous} {
		if token := strings.TrimPrefix(value, bearer); len(token) >= shortest/2 {
			tokens = append(tokens, token)
		}
	}
	return tokens
}

// lastValues are the header values of the token that came last and of the one
// before; empty where there was none.
func (e *entry) lastValues() (last, previous string) {
	t := e.current.Load()
	if t == nil {
		e.mu.Lock()
		if t = e.current.Load(); t == nil {
			t = e.past().last
		}
		e.mu.Unlock()
	}
	if t == nil {
		return "", ""
	}
	return t.header[0], t.noted().previous
}

// fresh returns a token with which nothing is to be done but to send it, or
// nil.
func (e *entry) fresh() *issued {
	t := e.current.Load()
	if t == nil {
		return nil
	}
	now := glance()
	if !e.own() && now.mono-t.used.Load() >= int64(time.Millisecond) {
		t.used.Store(now.mono)
	}
	if !t.fresh(now) {
		return nil
	}
	if t.hasOutlived(now) {
		e.forgetPrevious(now)
	}
	return t
}

// get returns a token that may be sent, and waits for one if there is none.
// req is the request that it is for, or nil. The entry is pinned.
func (e *entry) get(ctx context.Context, req *http.Request) (*issued, error) {
	if t := e.fresh(); t != nil {
		return t, nil
	}
	w := new(wait)
	t, err := e.getWaiting(ctx, req, w)
	e.tellWait(ctx, w, err)
	return t, err
}

// wait is whether, and since when, a request waits for a token.
type wait struct{ since int64 } // monotonic; 0: it does not

func (w *wait) begin() {
	if w.since == 0 {
		w.since = readClocks().mono
	}
}

// tellWait tells the hook that a request waited, if it did, and what it got.
func (e *entry) tellWait(ctx context.Context, w *wait, err error) {
	if f := e.client.manager.hooks.Waited; f != nil && w.since != 0 {
		f(ctx, e.client.ID, time.Duration(readClocks().mono-w.since), err)
	}
}

// getWaiting is get where there may be something to wait for.
func (e *entry) getWaiting(ctx context.Context, req *http.Request, w *wait) (*issued, error) {
	t, now := e.current.Load(), readClocks()
	if t == nil {
		w.begin()
		return e.obtain(ctx, need{})
	}
	if t.fresh(now) { // it came since
		return t, nil
	}
	if t.usable(now) && t.noted().standing != suspect {
		if t.noted().freshOnceSaved > 0 {
			e.saveBehind(now)
		}
		e.renewBehind(ctx, now)
		return t, nil
	}
	var n need
	if t.noted().standing == suspect {
		var still bool
		if n, still = e.stillSuspect(t); !still {
			return e.getWaiting(ctx, req, w)
		}
	}
	w.begin()
	bounded, patient := ctx, true
	if t.usable(now) { // and suspect: it may work, and a server that hangs must not keep it from all
		patience := suspectWait
		if req == nil || !replayable(req) {
			patience = max(patience, e.client.manager.policy.FetchTimeout/maxAttempts)
		}
		var cancel context.CancelFunc
		bounded, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
		patient = false
	}
	another, err := e.obtain(bounded, n)
	switch {
	case err == nil:
		return another, nil
	case ctx.Err() != nil:
		return nil, e.fail(leaving(ctx))
	case e.client.manager.closed():
		return nil, e.fail(ErrClosed)
	}
	if cur := e.current.Load(); cur != nil && cur.usable(readClocks()) {
		e.keep(cur)
		return cur, nil
	}
	if !patient && bounded.Err() != nil {
		return e.getWaiting(ctx, req, w) // the token that it was impatient for is gone, or has expired
	}
	return nil, err
}

// need is what a caller needs of a flight. The zero need is any token.
type need struct {
	renewal  bool   // a newer token than the one in use
	unwanted string // a token that was rejected: another is needed
	// A flight that began before rejection number asOf answers only if it
	// brings another. One that gave the unwanted again after it was asked for
	// another, and ended since there were answered of these, did answer.
	asOf, answered uint64
}

// obtain waits for a token that is not unwanted.
func (e *entry) obtain(ctx context.Context, n need) (*issued, error) {
	for {
		if ctx.Err() != nil {
			return nil, e.fail(leaving(ctx))
		}
		if err := e.refuses(readClocks()); err != nil {
			return nil, e.fail(err)
		}
		got, err := e.join(ctx, n)
		switch {
		case err != nil: // ctx ended
			return nil, e.fail(err)
		case got.err == nil && e.isOver(got):
			continue
		case got.err == nil && (n.unwanted == "" || got.token.token() != n.unwanted):
			return got.token, nil
		case got.asOf < n.asOf || errors.Is(got.err, errSuperseded):
			continue
		case got.err == nil:
			return nil, e.fail(errSameToken)
		default:
			return nil, e.fail(got.err)
		}
	}
}

// isOver reports whether a flight's token was dropped after it was settled: whoever
// comes between these two and its end joins it.
func (e *entry) isOver(got outcome) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	past := e.past()
	return got.asOf < past.droppedAt && past.hadDropped(got.token.token())
}

// reissue waits for a token other than t, which was rejected.
func (e *entry) reissue(ctx context.Context, t *issued, n need) (*issued, error) {
	another := func() *issued {
		if cur := e.current.Load(); cur != nil && !cur.is(t) && cur.usable(readClocks()) {
			return cur
		}
		return nil
	}
	if cur := another(); cur != nil && cur.noted().standing != suspect {
		return cur, nil
	}
	w := new(wait)
	w.begin()
	got, err := e.obtain(ctx, n)
	if err != nil {
		if cur := another(); cur != nil {
			got, err = cur, nil
		}
	}
	e.tellWait(ctx, w, err)
	return got, err
}

// refuses says why no token call may begin now, or nil.
func (e *entry) refuses(now instant) error {
	if e.client.manager.closed() {
		return ErrClosed
	}
	err := e.refusal(now)
	if err != nil && e.mayLook(now) {
		return nil
	}
	return err
}

// refusal says why no token call may be made, or nil. Of users the circuit is
// asked later.
func (e *entry) refusal(now instant) error {
	if !e.client.users {
		if err := e.client.breaker.refuses(now); err != nil {
			return err
		}
	}
	e.mu.Lock()
	f := e.past().failure
	e.mu.Unlock()
	if f.err != nil && now.mono < f.until {
		return &remembered{err: f.err, wait: time.Duration(f.until - now.mono)}
	}
	return nil
}

// mayLook reports whether the Store is to be looked into though no call may be
// made: another process may have a token. It is once a second.
func (e *entry) mayLook(now instant) bool {
	if e.client.users || !e.client.manager.shares() {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return now.mono >= e.past().lookAgain
}

// drop forgets t outright if it is the token in use. If there is none it notes
// that t is not to be had from the Store, where one that came later than what
// was dropped before may be: the entry may have been evicted meanwhile.
func (e *entry) drop(t *issued) {
	e.mu.Lock()
	defer e.mu.Unlock()
	cur, before := e.current.Load(), e.past().dropped
	if cur.is(t) || cur == nil && (before == nil || t.at.mono > before.at.mono) {
		h := e.note()
		h.rejections++
		h.dropped, h.droppedAt = t, h.rejections
	}
	if cur.is(t) {
		e.none(cur)
	}
}

// forget drops the token in use, and what is remembered of failures.
func (e *entry) forget() {
	if t := e.current.Load(); t != nil {
		e.drop(t)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.forgetTrouble()
}
