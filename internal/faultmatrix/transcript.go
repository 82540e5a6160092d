package faultmatrix

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
)

// transcript keeps what the library said, printed in every way that a program
// may print it, so that all of it can be searched for secrets.
type transcript struct {
	mu   sync.Mutex
	said map[string]bool // guarded by mu
}

func newTranscript() *transcript { return &transcript{said: map[string]bool{}} }

// most bounds it: errors that say when to come back differ in nothing else.
const most = 300

func (t *transcript) full() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.said) >= most
}

func (t *transcript) note(texts ...string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, text := range texts {
		if len(t.said) < most {
			t.said[text] = true
		}
	}
}

// hear keeps an error and all that it wraps.
func (t *transcript) hear(from string, err error) {
	if t.full() {
		return
	}
	t.note(from)
	for ; err != nil; err = errors.Unwrap(err) {
		for _, verb := range []string{"%v", "%+v", "%#v", "%q", "%s", "%x"} {
			t.note(fmt.Sprintf(verb, err))
		}
		text, _ := json.Marshal(err)
		var logged bytes.Buffer
		slog.New(slog.NewJSONHandler(&logged, nil)).Error("failed", "error", err)
		slog.New(slog.NewTextHandler(&logged, nil)).Error("failed", "error", err)
		t.note(string(text), logged.String())
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for _, e := range joined.Unwrap() {
				t.hear(from, e)
			}
		}
	}
}

func (t *transcript) all() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Sorted(maps.Keys(t.said))
}
