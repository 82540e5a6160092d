package authtrip

import "time"

// A rejected token is not a bad token yet: a server may reject every token, or
// one odd replica this one. So a rejection makes a token suspect, a suspect
// token is replaced once, and when its successor is rejected too, replacing
// pauses.

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

const longestPause = time.Minute

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
// another token may help, and which rejection it must answer for. A caller
// that says it will replay and gets true must call replayed exactly once.
func (e *entry) reject(t *issued, willReplay bool) (asOf uint64, reissue bool) {
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
	case e.unproven && e.replays > 0:
		// A successor, rejected before the verdict on the requests it was
		// reissued for: as good as a rejected replay.
		e.pause.start(now)
		return 0, false
	default:
		e.rejections++
		e.current.Store(cur.with(suspect))
		e.nextTry.Store(0)
		e.renewDelay = 0
	}
	if willReplay {
		e.replays++
	}
	return e.rejections, true
}

// fate is how a replay ended.
type fate uint8

const (
	notSent fate = iota // or sent without an answer
	accepted
	rejectedToo
)

// replayed is told how the replay with t ended; t is nil when none was made.
func (e *entry) replayed(t *issued, f fate) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.replays--
	cur := e.current.Load()
	if f == notSent || !cur.is(t) {
		return
	}
	now := readClocks()
	switch f {
	case accepted:
		e.unproven = false
		e.pause.accepted(now)
	case rejectedToo:
		e.pause.start(now)
	}
}
