package authtrip

import (
	"context"
	"sync"
)

// announcer tells a hook of changes, in order, one at a time and outside all
// locks, on a goroutine that ends when all is told. Nothing waits for it: a hook
// that hangs hears of nothing more.
type announcer struct {
	mu      sync.Mutex
	untold  []func() // guarded by mu; what the hook has not heard of
	telling bool     // guarded by mu; a goroutine tells it of them
}

// mostUntold bounds what waits for a hook that hangs.
const mostUntold = 100

// announce has tell, which calls the hook, called soon.
func (a *announcer) announce(tell func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.untold) >= mostUntold {
		return
	}
	a.untold = append(a.untold, tell)
	if !a.telling {
		a.telling = true
		go a.tellAll()
	}
}

func (a *announcer) tellAll() {
	for {
		a.mu.Lock()
		untold := a.untold
		a.untold = nil
		a.telling = len(untold) > 0
		a.mu.Unlock()
		if len(untold) == 0 {
			return
		}
		for _, tell := range untold {
			_, _ = contained(context.Background(), func() (struct{}, error) {
				tell()
				return struct{}{}, nil
			})
		}
	}
}
