package modeltest_test

import (
	"fmt"
	"strings"
	"time"
)

// moment is a time since the world began.
type moment = time.Duration

const (
	never   moment        = -1 << 60
	forever time.Duration = 1 << 62
	// instant forgives the rounding of a figure in seconds.
	instant = time.Microsecond
)

// The figures of the documents that the model knows.
const (
	fetchTimeout = 10 * time.Second
	attemptTime  = fetchTimeout / 3
	attempts     = 3
	drainTime    = 50 * time.Millisecond
	longest      = time.Minute // of pauses, of what is remembered, and between renewals
)

// ledger is what was seen, in order, and the first rule that was broken.
type ledger struct {
	began  time.Time
	events []event
	broken string
}

type event struct {
	at   moment
	text string
	args []any
}

func (l *ledger) now() moment { return time.Since(l.began) }

// notes writes down what is seen. Nothing is formatted unless it is shown.
func (l *ledger) notes(text string, args ...any) {
	l.events = append(l.events, event{l.now(), text, args})
}

// breaks tells that a rule is broken. The first counts: others follow from it.
func (l *ledger) breaks(rule, text string, args ...any) {
	l.notes("BROKEN: "+rule+": "+text, args...)
	if l.broken == "" {
		l.broken = fmt.Sprintf("%v: %s: %s", l.now(), rule, fmt.Sprintf(text, args...))
	}
}

func (l *ledger) String() string {
	var b strings.Builder
	for _, e := range l.events {
		fmt.Fprintf(&b, "%14v  %s\n", e.at, fmt.Sprintf(e.text, e.args...))
	}
	return b.String()
}

// name is a token's, for the ledger: a few letters of it.
func name(token string) string {
	if token == "" {
		return "none"
	}
	return token[:min(5, len(token))]
}
