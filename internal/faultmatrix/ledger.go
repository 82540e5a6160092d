package faultmatrix

import (
	"crypto/rand"
	"slices"
	"sync"
	"time"
)

// ledger is what the servers of a cell know of the tokens: which were issued,
// until when they are good, and which the client was told are not.
type ledger struct {
	mu       sync.Mutex
	lifetime time.Duration        // guarded by mu; of the tokens to come
	good     map[string]time.Time // guarded by mu; until when
	refused  map[string]bool      // guarded by mu; the API said no to it
	issued   int                  // guarded by mu
	all      []string             // guarded by mu; tokens ever made, refresh tokens too
}

func newLedger(lifetime time.Duration) *ledger {
	return &ledger{lifetime: lifetime, good: map[string]time.Time{}, refused: map[string]bool{}}
}

// issue makes a token. The client counts its lifetime from before it asked, so
// the servers never end a token that the client takes for good.
func (l *ledger) issue() (token string, lifetime time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	token = "at." + rand.Text() + rand.Text()
	l.good[token] = time.Now().Add(l.lifetime)
	l.issued++
	l.all = append(l.all, token)
	return token, l.lifetime
}

// endAll makes every token bad: revoked, or at its end.
func (l *ledger) endAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.good)
}

// judge says whether a token is good, and if not whether the client had been
// told so before.
func (l *ledger) judge(token string) (good, told bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until, ok := l.good[token]; ok && time.Now().Before(until) {
		return true, false
	}
	told = l.refused[token]
	l.refused[token] = true
	return false, told
}

func (l *ledger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.issued
}

// issueRefresh makes a refresh token.
func (l *ledger) issueRefresh() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	token := "rt." + rand.Text() + "/+" + rand.Text()
	l.all = append(l.all, token)
	return token
}

// tokens lists all that there ever were, for a search of what must not be
// shown.
func (l *ledger) tokens() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.all)
}
