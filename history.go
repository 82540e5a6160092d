package authtrip

import (
	"fmt"
	"time"
)

// history is what befell an entry that its flights must know.
type history struct {
	failure    failure
	renewDelay time.Duration // the last wait between renewals that failed

	// rejections counts what made the token in use unwanted. A flight notes
	// the count when it begins, so that it is known which rejections it can
	// answer for.
	rejections  uint64
	answered    uint64  // flights that gave a rejected token again
	last        *issued // the token in use before there was none: nested Transports tell by it
	unrevoked   *issued // the server could not be told its end
	dropped     *issued // the token that was dropped outright last
	droppedAt   uint64  // rejections then
	reissued    bool    // the token in use was asked for because another was rejected
	rejectedToo bool    // it was rejected as well, which the pause knows
	unseen      bool    // a rejection was told by Source.Suspect: nobody will tell of what follows
	// keptRejected: the token in use was rejected again after it was kept for
	// want of another, and was not accepted in between, which keptAccepted
	// knows.
	keptRejected, keptAccepted bool
	pause                      pause // after a reissue
	lookAgain                  int64 // monotonic; while no call may be made the Store is not asked before
}

// past is the history to read, note the one to write to. Both run under mu.
func (e *entry) past() history {
	if e.history == nil {
		return history{}
	}
	return *e.history
}

func (e *entry) note() *history {
	if e.history == nil {
		e.history = new(history)
	}
	return e.history
}

// forgetTrouble forgets what is remembered of failures. It runs under mu.
func (e *entry) forgetTrouble() {
	if h := e.history; h != nil {
		h.failure, h.renewDelay, h.pause = failure{}, 0, pause{}
	}
}

// none leaves the entry without a token, after last. It runs under mu.
func (e *entry) none(last *issued) {
	e.note().last = last
	e.current.Store(nil)
}

// settled is told that all is well again: a history of nothing is given up.
func (e *entry) settled() {
	h := e.history
	if h == nil {
		return
	}
	h.failure, h.renewDelay = failure{}, 0
	if *h == (history{}) {
		e.history = nil
	}
}

// noteRevoked is told whether the server knows the end of t.
func (e *entry) noteRevoked(t *issued, told bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case !told:
		e.note().unrevoked = t
	case e.history != nil:
		e.history.unrevoked = nil
	}
}

// unrevoked is a token whose end the server could not be told, or nil.
func (e *entry) unrevoked() *issued {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.past().unrevoked
}

// hadDropped reports whether token is the one that was dropped outright last.
func (h *history) hadDropped(token string) bool {
	return h.dropped != nil && h.dropped.token() == token
}

// Format keeps tokens out of dumps that follow pointers.
func (*history) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// String does what Format does, for dumpers that know only Stringer.
func (*history) String() string { return redacted }
