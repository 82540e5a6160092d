package main

import (
	"net/http"
	"sync"

	"github.com/authtrip/authtrip/nhn"
)

// processHeader says which process a request is from.
const processHeader = "X-Process"

// usage is the emulated API, which notes the tokens that the processes send. It
// sees only those that were accepted.
type usage struct {
	mu      sync.Mutex
	numbers map[string]int // guarded by mu; of the tokens, in the order in which they came
	newest  map[string]int // guarded by mu; by process, the number of its newest token
}

func newUsage() *usage { return &usage{numbers: map[string]int{}, newest: map[string]int{}} }

// ServeHTTP implements [http.Handler].
func (u *usage) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	token, process := r.Header.Get(nhn.HeaderAuthorization), r.Header.Get(processHeader)
	u.mu.Lock()
	defer u.mu.Unlock()
	n := u.numbers[token]
	if n == 0 {
		n = len(u.numbers) + 1
		u.numbers[token] = n
	}
	u.newest[process] = max(u.newest[process], n)
}

// last is the number of the last token that came.
func (u *usage) last() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.numbers)
}

// since returns how many processes use a token that came after number n, and how
// many such tokens they use.
func (u *usage) since(n int) (processes, tokens int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	distinct := map[int]bool{}
	for _, newest := range u.newest {
		if newest > n {
			processes++
			distinct[newest] = true
		}
	}
	return processes, len(distinct)
}
