package emulator

import (
	"sync"
	"time"
)

// maxCalls is how many calls the journal keeps.
const maxCalls = 200

// call is one call of the emulator. What it has of the caller is for display
// and bounded; of tokens it has the start.
type call struct {
	ID      int
	At      time.Time
	Service string // empty: the emulator's own address
	Method  string
	Path    string
	Agent   string
	Token   string
	Status  int // 0: no answer
	Result  result
	Says    string // what became of it, in words
	Took    time.Duration

	changed int // the journal's revision when it last did
}

// result is what became of a call.
type result string

const (
	waiting result = "waiting"
	good    result = "good"
	refused result = "refused"
	broke   result = "broke" // a fault, or the caller left
)

// journal keeps the last calls and wakes those who watch. It never waits for
// them: who is slow misses steps in between, not the state at the end. It is
// safe for concurrent use.
type journal struct {
	mu       sync.Mutex
	revision int                        // guarded by mu
	lastID   int                        // guarded by mu
	calls    []call                     // guarded by mu; the latest last
	watchers map[chan struct{}]struct{} // guarded by mu
}

func newJournal() *journal { return &journal{watchers: map[chan struct{}]struct{}{}} }

// begin writes a call down and returns its ID.
func (j *journal) begin(c call) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.wake()
	j.lastID++
	c.ID, c.changed = j.lastID, j.revision
	if len(j.calls) == maxCalls {
		j.calls = append(j.calls[:0], j.calls[1:]...)
	}
	j.calls = append(j.calls, c)
	return c.ID
}

// end changes a call, unless it is too long ago.
func (j *journal) end(id int, change func(*call)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.wake()
	if len(j.calls) == 0 {
		return
	}
	if i := id - j.calls[0].ID; i >= 0 {
		change(&j.calls[i])
		j.calls[i].changed = j.revision
	}
}

// changed wakes those who watch for another reason than a call.
func (j *journal) changed() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.wake()
}

// wake makes a new revision. j.mu is held.
func (j *journal) wake() {
	j.revision++
	for w := range j.watchers {
		select {
		case w <- struct{}{}:
		default: // it knows already
		}
	}
}

// since returns the calls that changed after a revision, the latest last, and
// the revision now.
func (j *journal) since(revision int) ([]call, int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	var news []call
	for _, c := range j.calls {
		if c.changed > revision {
			news = append(news, c)
		}
	}
	return news, j.revision
}

// watch returns a channel that has a value when something changed since the
// last one was taken.
func (j *journal) watch() (woken <-chan struct{}, leave func()) {
	w := make(chan struct{}, 1)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.watchers[w] = struct{}{}
	return w, func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		delete(j.watchers, w)
	}
}
