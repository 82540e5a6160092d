package authtrip

import (
	"context"
	"time"
)

// renewBehind starts one renewal if one is due, and returns at once.
func (e *entry) renewBehind(ctx context.Context, now instant) {
	if t := e.current.Load(); t != nil && now.mono < t.noted().nextTry || !e.renewing.CompareAndSwap(false, true) {
		return
	}
	if err := e.refuses(now); err != nil {
		e.postpone(now, err)
		e.renewing.Store(false)
		return
	}
	go func() {
		defer e.renewing.Store(false)
		// The request's values may be wanted, its end must not be heard.
		_, _ = e.join(context.WithoutCancel(ctx), need{renewal: true})
	}()
}

// postpone keeps every request from asking again until err says it may help.
func (e *entry) postpone(now instant, err error) {
	wait, _ := RetryAfter(err)
	e.mu.Lock()
	defer e.mu.Unlock()
	if t := e.current.Load(); t != nil {
		e.current.Store(t.with(func(n *notes) { n.nextTry = max(n.nextTry, now.mono+int64(min(wait, time.Minute))) }))
	}
}
