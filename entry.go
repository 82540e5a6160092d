package authtrip

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// entry is the life of one token. Readers load current and take no lock;
// whoever changes anything holds mu. No I/O and no callback happens under mu.
type entry struct {
	manager   *Manager
	client    *client
	breaker   *breaker
	flightKey string   // names its flights in the Manager
	scopes    []string // asked for
	scoped    bool     // they are others than the registration's
	login     *login   // what the principal granted; nil for a client's own token

	// The rest of this paragraph is for tokens, which forgets some.
	key       tokenKey
	evictable bool
	pins      atomic.Int32 // how many use the entry; raised under tokens.mu
	used      atomic.Int64 // monotonic; when a token was asked for or came last

	current  atomic.Pointer[issued] // nil: none. Written under mu
	nextTry  atomic.Int64           // monotonic: no renewal behind the requests before. Written under mu
	renewing atomic.Bool            // a renewal behind the requests is under way
	unproven atomic.Bool            // the token in use was reissued and never accepted yet. Written under mu
	// last is the token that was issued last, kept when it is dropped: nested
	// Transports tell by it. Written under mu.
	last atomic.Pointer[tokenText]

	mu sync.Mutex
	// All below is guarded by mu.

	failure    failure
	renewDelay time.Duration // the last wait between renewals that failed

	// rejections counts what made the token in use unwanted. A flight notes
	// the count when it begins, so that it is known which rejections it can
	// answer for.
	rejections  uint64
	answered    uint64 // flights that gave a rejected token again
	dropped     string // the token that was dropped outright last
	droppedAt   uint64 // rejections then
	reissued    bool   // the token in use was asked for because another was rejected
	rejectedToo bool   // it was rejected as well, which the pause knows
	unseen      bool   // a rejection was told by Source.Suspect: nobody will tell of what follows
	// keptRejected: the token in use was rejected again after it was kept for
	// want of another, and was not accepted in between, which keptAccepted
	// knows.
	keptRejected, keptAccepted bool
	pause                      pause // after a reissue
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
	for t := e.last.Load(); t != nil; t = t.previous {
		if len(t.token) >= shortest/2 {
			tokens = append(tokens, t.token)
		}
	}
	return tokens
}

// get returns a token that may be sent, and waits for one if there is none.
// req is the request that it is for, or nil.
func (e *entry) get(ctx context.Context, req *http.Request) (*issued, error) {
	now := readClocks()
	t := e.current.Load()
	if e.evictable {
		e.used.Store(now.mono)
	}
	if t != nil && t.fresh(now) {
		return t, nil
	}
	return e.getSlowly(ctx, req, t, now)
}

func (e *entry) getSlowly(ctx context.Context, req *http.Request, t *issued, now instant) (*issued, error) {
	if t == nil {
		return e.obtain(ctx, need{})
	}
	if t.usable(now) && t.standing != suspect {
		if t.freshOnceSaved > 0 {
			e.saveBehind(now)
		}
		e.renewBehind(ctx, now)
		return t, nil
	}
	var n need
	if t.standing == suspect {
		var still bool
		if n, still = e.stillSuspect(t); !still {
			return e.get(ctx, req)
		}
	}
	wait, patient := ctx, true
	if t.usable(now) { // and suspect: it may work, and a server that hangs must not keep it from all
		patience := suspectWait
		if req == nil || !replayable(req) {
			patience = max(patience, e.manager.policy.FetchTimeout/maxAttempts)
		}
		var cancel context.CancelFunc
		wait, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
		patient = false
	}
	another, err := e.obtain(wait, n)
	switch {
	case err == nil:
		return another, nil
	case ctx.Err() != nil:
		return nil, e.fail(leaving(ctx))
	case e.manager.closed():
		return nil, e.fail(ErrClosed)
	}
	if cur := e.current.Load(); cur != nil && cur.usable(readClocks()) {
		e.keep(cur)
		return cur, nil
	}
	if !patient && wait.Err() != nil {
		return e.get(ctx, req) // the token that it was impatient for is gone, or has expired
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
		case got.err == nil && (n.unwanted == "" || got.token.text.token != n.unwanted):
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

// reissue waits for a token other than t, which was rejected.
func (e *entry) reissue(ctx context.Context, t *issued, n need) (*issued, error) {
	another := func() *issued {
		if cur := e.current.Load(); cur != nil && !cur.is(t) && cur.usable(readClocks()) {
			return cur
		}
		return nil
	}
	if cur := another(); cur != nil && cur.standing != suspect {
		return cur, nil
	}
	got, err := e.obtain(ctx, n)
	if err == nil {
		return got, nil
	}
	if cur := another(); cur != nil {
		return cur, nil
	}
	return nil, err
}

// refuses says why no token call may begin now, or nil.
func (e *entry) refuses(now instant) error {
	if e.manager.closed() {
		return ErrClosed
	}
	if e.login == nil { // else the Store is asked first: it may have a token
		if err := e.breaker.refuses(now); err != nil {
			return err
		}
	}
	e.mu.Lock()
	f := e.failure
	e.mu.Unlock()
	if f.err != nil && now.mono < f.until {
		return &remembered{err: f.err, wait: time.Duration(f.until - now.mono)}
	}
	return nil
}

// renewBehind starts one renewal if one is due, and returns at once.
func (e *entry) renewBehind(ctx context.Context, now instant) {
	if now.mono < e.nextTry.Load() || !e.renewing.CompareAndSwap(false, true) {
		return
	}
	if err := e.refuses(now); err != nil {
		e.postpone(now, err)
		e.renewing.Store(false)
		return
	}
	go func() {
		defer e.renewing.Store(false)
		// The request's values may be wanted, its end must not be heard.
		_, _ = e.join(context.WithoutCancel(ctx), need{renewal: true})
	}()
}

// postpone keeps every request from asking again until err says it may help.
func (e *entry) postpone(now instant, err error) {
	wait, _ := RetryAfter(err)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.nextTry.Store(max(e.nextTry.Load(), now.mono+int64(min(wait, time.Minute))))
}

// drop forgets t outright if it is the token in use.
func (e *entry) drop(t *issued) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if cur := e.current.Load(); cur.is(t) {
		e.rejections++
		e.dropped, e.droppedAt = t.text.token, e.rejections
		e.current.Store(nil)
	}
}

// forget drops the token in use, and what is remembered of failures.
func (e *entry) forget() {
	if t := e.current.Load(); t != nil {
		e.drop(t)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.failure, e.renewDelay, e.pause = failure{}, 0, pause{}
}
