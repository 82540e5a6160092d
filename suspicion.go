package authtrip

import "time"

// A rejected token is not a bad token yet: a server may reject every token, or
// one odd replica this one. So a rejection makes a token suspect, and a suspect
// token is replaced once. Its successor is on probation until it is accepted;
// if it is rejected too, replacing did not help, and pauses.

const (
	longestPause = time.Minute
	// probation is how old a successor must be for an ordinary success to end
	// its probation. Younger, only an accepted replay does: a server that
	// accepts every token for one resource and none for another answers both
	// kinds of requests while the first verdicts on the replays are under way.
	probation = time.Second
	// suspectWait is how long a request waits for the successor of a token
	// that is suspect but may still work.
	suspectWait = time.Second
)

// pause is a time in which nothing is reissued, since that did not help.
type pause struct {
	until  int64 // monotonic
	length time.Duration
	// cut: an accepted replay ended the last pause early. The next one runs
	// its whole length, or a server that ends old tokens when it issues new
	// ones could be asked without bound: every reissue that one resource
	// rejects is accepted by another.
	cut bool
}

func (p *pause) runs(now instant) bool { return now.mono < p.until }

// start begins a pause twice as long as the last, 1 s at first.
func (p *pause) start(now instant) {
	if p.runs(now) {
		return
	}
	if p.until != 0 {
		p.cut = false
	}
	p.length = min(max(time.Second, 2*p.length), longestPause)
	p.until = now.mono + int64(p.length)
}

// accepted is told of a replay that was accepted.
func (p *pause) accepted(now instant) {
	switch {
	case !p.runs(now):
		p.length = 0
	case !p.cut:
		p.until, p.cut = 0, true
	}
}

// reject is told that a server rejected t. It reports whether waiting for
// another token may help, and which rejection that token must answer for.
func (e *entry) reject(t *issued) (asOf uint64, reissue bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := readClocks()
	cur := e.current.Load()
	switch {
	case !cur.is(t):
		// A late rejection of an old token: its successor is there or will be.
	case e.pause.runs(now):
		return 0, false
	case cur.standing != good:
		// Known already.
	case e.unproven.Load() && !e.paused:
		// A successor, rejected before it was ever accepted.
		e.beginPause(now)
		return 0, false
	default:
		e.rejections++
		e.current.Store(cur.with(suspect))
		e.nextTry.Store(0)
		e.renewDelay = 0
	}
	return e.rejections, true
}

// accept is told that a server accepted t for a request that was sent once.
func (e *entry) accept(t *issued) {
	if !e.unproven.Load() || readClocks().since(t.at) < probation {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.current.Load().is(t) {
		e.unproven.Store(false)
	}
}

// replayed is told whether a server accepted t for a request that another
// token was rejected for.
func (e *entry) replayed(t *issued, accepted bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.current.Load().is(t) {
		return
	}
	now := readClocks()
	switch {
	case accepted:
		e.unproven.Store(false)
		e.pause.accepted(now)
	case !e.paused:
		e.beginPause(now)
	}
}

// beginPause starts a pause on account of the token in use, which may do so
// once: when the pause is over, the next rejection is worth a reissue.
func (e *entry) beginPause(now instant) {
	e.paused = true
	e.pause.start(now)
}

// keep goes on with t, though it is suspect: no other token could be had.
func (e *entry) keep(t *issued) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if cur := e.current.Load(); cur.is(t) && cur.standing == suspect {
		e.current.Store(cur.with(kept))
	}
}
