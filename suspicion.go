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
// another token may help, and what is needed then, and whether that it does not
// work is news.
func (e *entry) reject(t *issued) (n need, reissue, first bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := readClocks()
	cur, past := e.current.Load(), e.past()
	switch {
	case !cur.is(t):
		// A late rejection of an old token: its successor is there or will be.
	case past.pause.runs(now):
		first = !past.rejectedToo && cur.noted().standing == good
		e.note().rejectedToo = true
		return need{}, false, first
	case cur.noted().standing != good:
		// Known already.
		h := e.note()
		h.keptRejected = cur.noted().standing == kept && !h.keptAccepted
		h.keptAccepted = false
	case cur.noted().unproven && !past.rejectedToo:
		// The first word on a successor comes when its pause is over.
		h := e.note()
		h.rejectedToo = true
		h.pause.restart(now)
		return need{}, false, true
	default:
		first = !past.rejectedToo
		e.suspectCurrent(cur)
	}
	return e.another(t), true, first
}

// rejectedUnseen is reject for those who do not wait for another token
// themselves, nor tell what becomes of it: that no server is known to have
// accepted one says nothing then, and the next request waits, for a token that
// was kept too.
func (e *entry) rejectedUnseen(t *issued) (first bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := readClocks()
	cur, past := e.current.Load(), e.past()
	switch {
	case !cur.is(t):
		return false
	case past.pause.runs(now):
		first = !past.rejectedToo && cur.noted().standing == good
		e.note().rejectedToo = true
		return first
	case cur.noted().unproven && !past.rejectedToo:
		h := e.note()
		h.rejectedToo = true
		h.pause.restart(now)
		return true
	case cur.noted().standing != suspect:
		first = cur.noted().standing == good && !past.rejectedToo
		e.suspectCurrent(cur)
	}
	e.note().unseen = true
	return first
}

// stillSuspect returns what whoever finds t suspect needs, or false when that
// has been settled meanwhile.
func (e *entry) stillSuspect(t *issued) (need, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	cur := e.current.Load()
	return e.another(t), cur.is(t) && cur.noted().standing == suspect
}

// another is the need of a token in place of t. It runs under mu.
func (e *entry) another(t *issued) need {
	return need{unwanted: t.token(), asOf: e.past().rejections, answered: e.past().answered}
}

// suspectCurrent makes cur, the token in use, suspect.
func (e *entry) suspectCurrent(cur *issued) {
	h := e.note()
	h.rejections++
	h.renewDelay = 0
	e.current.Store(cur.with(func(n *notes) { n.standing, n.nextTry = suspect, 0 }))
}

// accept is told that a server accepted t for a request that was sent once. It
// ends no pause: the server may accept every token there.
func (e *entry) accept(t *issued) {
	if t.notes == nil || !t.notes.unproven && t.notes.standing != kept {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if cur := e.current.Load(); cur.is(t) {
		e.prove(cur)
		h := e.note()
		h.keptRejected, h.keptAccepted = false, true
	}
}

// prove notes that a server accepted cur, the token in use. It runs under mu.
func (e *entry) prove(cur *issued) {
	if cur.noted().unproven {
		e.current.Store(cur.with(func(n *notes) { n.unproven = false }))
	}
}

// replayed is told whether a server accepted t for a request that another
// token was rejected for. It reports whether that t was rejected is news.
func (e *entry) replayed(t *issued, accepted bool) (first bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	cur, past := e.current.Load(), e.past()
	if !cur.is(t) {
		return false
	}
	now := readClocks()
	switch {
	case accepted:
		e.prove(cur)
		e.note().pause.accepted(now, past.rejectedToo)
	case past.reissued && !past.rejectedToo:
		h := e.note()
		h.rejectedToo = true
		if cur.noted().standing == good && !h.pause.runs(now) { // else its successor begins one
			h.pause.restart(now)
		}
		first = true
	}
	// A token that was asked for before the rejection may have ended with the
	// other: the next request will tell.
	return first
}

// keep goes on with t, though it is suspect: no other token could be had.
func (e *entry) keep(t *issued) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if cur := e.current.Load(); cur.is(t) && cur.noted().standing == suspect {
		e.current.Store(cur.as(kept))
	}
}
