package faultmatrix

import (
	"maps"
	"regexp"
	"slices"
	"sync"

	"github.com/authtrip/authtrip/internal/leak"
)

// transcript keeps what the library said, printed in every way that a program
// may print it, so that all of it can be searched for secrets. What differs in
// nothing but a figure, such as when to come back, is kept once.
type transcript struct {
	mu      sync.Mutex
	seen    map[string]bool // guarded by mu; texts without their figures
	said    map[string]bool // guarded by mu
	dropped int             // guarded by mu; texts that were too many to keep
}

// mostTexts is far more than there are kinds of error.
const mostTexts = 20_000

func newTranscript() *transcript {
	return &transcript{seen: map[string]bool{}, said: map[string]bool{}}
}

var figure = regexp.MustCompile(`\b[0-9]+(\.[0-9]+)?(µs|ms|s|m)?\b`)

// isNew reports whether text says something that was not said before.
func (t *transcript) isNew(text string) bool {
	text = figure.ReplaceAllString(text, "#")
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.seen[text] {
		return false
	}
	t.seen[text] = true
	return true
}

func (t *transcript) keep(texts ...string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, text := range texts {
		if len(t.said) >= mostTexts {
			t.dropped++
			continue
		}
		t.said[text] = true
	}
}

// note keeps a text.
func (t *transcript) note(text string) {
	if t.isNew(text) {
		t.keep(text)
	}
}

// hear keeps an error and all that it wraps.
func (t *transcript) hear(err error) {
	if t.isNew(err.Error()) {
		t.keep(leak.PrintError(err)...)
	}
}

func (t *transcript) all() (said []string, dropped int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Sorted(maps.Keys(t.said)), t.dropped
}
