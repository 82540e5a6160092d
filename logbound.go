package authtrip

import (
	"sync"
	"time"
)

// logBound keeps a logger from writing the same again and again at Warn.
type logBound struct {
	mu sync.Mutex
	of map[logKey]*logState // guarded by mu; of registrations that had trouble
}

type logKey struct{ message, registration string }

type logState struct {
	began  int64 // monotonic; of the time that warned counts in
	warned int
	fails  bool
}

const (
	logWindow   = 10 * time.Minute
	mostChanges = 6 // in logWindow
)

// once reports whether the message is due at Warn.
func (b *logBound) once(message, registration string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.at(message, registration).mayWarn(1)
}

// change notes whether a registration's token calls fail, and reports whether
// that is news, and due at Warn.
func (b *logBound) change(registration string, fails bool) (changed, warn bool) {
	const message = "token calls"
	b.mu.Lock()
	defer b.mu.Unlock()
	if !fails && b.of[logKey{message, registration}] == nil {
		return false, false // they never failed
	}
	s := b.at(message, registration)
	if s.fails == fails {
		return false, false
	}
	s.fails = fails
	return true, s.mayWarn(mostChanges)
}

// at is what is known of a registration. It runs under mu.
func (b *logBound) at(message, registration string) *logState {
	key := logKey{message, registration}
	if b.of[key] == nil {
		b.of[key] = new(logState)
	}
	return b.of[key]
}

// mayWarn reports whether fewer than most were warned of in this window.
func (s *logState) mayWarn(most int) bool {
	now := readClocks().mono
	if s.warned == 0 || now-s.began >= int64(logWindow) {
		s.began, s.warned = now, 0
	}
	if s.warned >= most {
		return false
	}
	s.warned++
	return true
}
