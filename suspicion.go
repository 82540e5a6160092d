package authtrip

import "time"

// A rejected token is not a bad token yet: a server may reject every token, or
// one odd replica this one. So a rejection makes a token suspect, and a suspect
// token is replaced once. Whether that helped is known when a request is sent
// again and accepted; until then, replacing pauses.

const (
	longestPause = time.Minute
	// suspectWait is how long a request waits for the successor of a token
	// that is suspect but may still work, if it can be sent again should the
	// token not.
	suspectWait = time.Second
)

// pause is a time in which nothing is reissued, since that did not help, or is
// not known to have helped. Every reissue begins one, of 1 s at first and twice
// as long each time; an accepted replay ends it.
type pause struct {
	until  int64 // monotonic
	length time.Duration
	cutAt  int64 // monotonic; when an accepted replay last ended one early
}

func (p *pause) runs(now instant) bool { return now.mono < p.until }

// start begins a pause twice as long as the last, or as short as the first
// when the last has been over for long.
func (p *pause) start(now instant) {
	if p.runs(now) {
		return
	}
	if now.mono-p.until > int64(longestPause) {
		p.length = 0
	}
	p.length = min(max(time.Second, 2*p.length), longestPause)
	p.until = now.mono + int64(p.length)
}

// restart makes the pause run its length from now on.
func (p *pause) restart(now instant) {
	p.length = max(p.length, time.Second)
	p.until = now.mono + int64(p.length)
}

// accepted is told of an accepted replay of a token that was rejected too, or
// was not. Against such a rejection it ends a pause once a second at most: a
// server that ends old tokens when it issues new ones would otherwise be asked
// without bound, as every reissue that one resource rejects is accepted by
// another.
func (p *pause) accepted(now instant, rejectedToo bool) {
	if p.runs(now) && rejectedToo {
		if now.mono-p.cutAt < int64(time.Second) {
			return
		}
		p.cutAt = now.mono
	}
	p.until, p.length = min(p.until, now.mono), 0
}

// reject is told that a server rejected t. It reports whether waiting for
// another token may help, and what is needed then.
func (e *entry) reject(t *issued) (n need, reissue bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := readClocks()
	cur := e.current.Load()
	switch {
	case !cur.is(t):
		// A late rejection of an old token: its successor is there or will be.
	case e.pause.runs(now):
		e.rejectedToo = true
		return need{}, false
	case cur.standing != good:
		// Known already.
		e.keptRejected = cur.standing == kept && !e.keptAccepted
		e.keptAccepted = false
	case e.unproven.Load() && !e.rejectedToo:
		// The first word on a successor comes when its pause is over.
		e.rejectedToo = true
		e.pause.restart(now)
		return need{}, false
	default:
		e.suspectCurrent(cur)
	}
	return e.another(t), true
}

// rejectedUnseen is reject for those who do not wait for another token
// themselves, nor tell what becomes of it: that no server is known to have
// accepted one says nothing then, and the next request waits, for a token that
// was kept too.
func (e *entry) rejectedUnseen(t *issued) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := readClocks()
	cur := e.current.Load()
	switch {
	case !cur.is(t):
		return
	case e.pause.runs(now):
		e.rejectedToo = true
		return
	case e.unproven.Load() && !e.rejectedToo:
		e.rejectedToo = true
		e.pause.restart(now)
		return
	case cur.standing != suspect:
		e.suspectCurrent(cur)
	}
	e.unseen = true
}

// stillSuspect returns what whoever finds t suspect needs, or false when that
// has been settled meanwhile.
func (e *entry) stillSuspect(t *issued) (need, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	cur := e.current.Load()
	return e.another(t), cur.is(t) && cur.standing == suspect
}

// another is the need of a token in place of t. It runs under mu.
func (e *entry) another(t *issued) need {
	return need{unwanted: t.text.token, asOf: e.rejections, answered: e.answered}
}

// suspectCurrent makes cur, the token in use, suspect.
func (e *entry) suspectCurrent(cur *issued) {
	e.rejections++
	e.current.Store(cur.with(suspect))
	e.nextTry.Store(0)
	e.renewDelay = 0
}

// accept is told that a server accepted t for a request that was sent once. It
// ends no pause: the server may accept every token there.
func (e *entry) accept(t *issued) {
	if !e.unproven.Load() && t.standing != kept {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.current.Load().is(t) {
		e.unproven.Store(false)
		e.keptRejected, e.keptAccepted = false, true
	}
}

// replayed is told whether a server accepted t for a request that another
// token was rejected for.
func (e *entry) replayed(t *issued, accepted bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	cur := e.current.Load()
	if !cur.is(t) {
		return
	}
	now := readClocks()
	switch {
	case accepted:
		e.unproven.Store(false)
		e.pause.accepted(now, e.rejectedToo)
	case e.reissued && !e.rejectedToo:
		e.rejectedToo = true
		if cur.standing == good && !e.pause.runs(now) { // else its successor begins one
			e.pause.restart(now)
		}
	}
	// A token that was asked for before the rejection may have ended with the
	// other: the next request will tell.
}

// keep goes on with t, though it is suspect: no other token could be had.
func (e *entry) keep(t *issued) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if cur := e.current.Load(); cur.is(t) && cur.standing == suspect {
		e.current.Store(cur.with(kept))
	}
}
