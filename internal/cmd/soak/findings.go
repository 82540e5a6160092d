package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// findings are what was not as it should be, each with how often it was so.
type findings struct {
	mu     sync.Mutex
	counts map[string]int // guarded by mu
}

// The beginnings of sentences that are counted apart.
const (
	noReason = "a token was rejected that was neither revoked nor at its end"
	needless = "a request failed while a valid token was there"
)

// maxFindings bounds how many sentences are kept: a broken run must not leak.
const maxFindings = 50

func (f *findings) add(format string, args ...any) {
	sentence := fmt.Sprintf(format, args...)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.counts == nil {
		f.counts = map[string]int{}
	}
	if len(f.counts) >= maxFindings && f.counts[sentence] == 0 {
		sentence = "more of that kind"
	}
	f.counts[sentence]++
}

// count is how often a sentence that begins so was added.
func (f *findings) count(beginning string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for s, times := range f.counts {
		if strings.HasPrefix(s, beginning) {
			n += times
		}
	}
	return n
}

// sentences says all of them, in order.
func (f *findings) sentences() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for _, s := range slices.Sorted(maps.Keys(f.counts)) {
		if n := f.counts[s]; n > 1 {
			s = fmt.Sprintf("%s (%d times)", s, n)
		}
		all = append(all, s)
	}
	return all
}
