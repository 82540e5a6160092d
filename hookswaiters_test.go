package authtrip_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
)

func TestWaitersAreThoseWhoWaitedAlsoWhoLeft(t *testing.T) {
	type name struct{}
	h := &heard{}
	inBubble(t, func(t *testing.T, w *world) {
		w.delayReply.Store(int64(time.Second))
		var wg sync.WaitGroup
		for i := range 5 {
			wg.Go(func() {
				ctx := context.WithValue(t.Context(), name{}, i)
				if i == 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, 500*time.Millisecond)
					defer cancel()
				}
				_, _ = w.src.Token(ctx)
			})
		}
		wg.Wait()
		seen := map[any]bool{}
		for _, ctx := range h.last(t).Waiters {
			seen[ctx.Value(name{})] = true
		}
		if len(seen) != 5 || len(h.last(t).Waiters) != 5 {
			t.Errorf("waiting are %v", seen)
		}
		w.mustGet()
		w.srv.RevokeAll()
		w.mustGet()
		if n := len(h.last(t).Waiters); n != 1 {
			t.Errorf("%d wait for the next, want the one", n)
		}
	}, with(h.hooks()))
}

// Who comes while the hook is told, and leaves, is of no later call.
func TestWaitersOfACallAreNotThoseOfTheNext(t *testing.T) {
	type name struct{}
	synctest.Test(t, func(t *testing.T) {
		var got [][]any
		told := make(chan struct{}, 10)
		tokens := &replies{bodies: []string{`{"access_token":"a"}`}, status: 503}
		src := newSource(t, registration(), authtrip.WithTokenTransport(tokens), authtrip.Policy{BreakerFailures: 100},
			authtrip.Hooks{TokenCallDone: func(_ context.Context, c authtrip.TokenCall) {
				var names []any
				for _, w := range c.Waiters {
					names = append(names, w.Value(name{}))
				}
				got = append(got, names)
				told <- struct{}{}
				time.Sleep(900 * time.Millisecond)
			}})
		token := func(who string) { _, _ = src.Token(context.WithValue(t.Context(), name{}, who)) }
		var wg sync.WaitGroup
		wg.Go(func() { token("first") })
		<-told
		ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), name{}, "left"), 100*time.Millisecond)
		defer cancel()
		_, _ = src.Token(ctx)
		wg.Go(func() { token("stayed") })
		wg.Wait()
		if n := src.CountWaiters(); n != 0 {
			t.Errorf("%d are kept", n)
		}
		time.Sleep(time.Hour)
		token("second")
		if len(got) != 2 || len(got[1]) != 1 || got[1][0] != "second" || len(got[0]) != 1 {
			t.Errorf("the waiters are %v", got)
		}
	})
}

func TestWaitersComeInTheirOrder(t *testing.T) {
	type name struct{}
	h := &heard{}
	inBubble(t, func(t *testing.T, w *world) {
		w.delayReply.Store(int64(time.Second))
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * time.Millisecond)
				_, _ = w.src.Token(context.WithValue(t.Context(), name{}, i))
			})
		}
		wg.Wait()
		for i, ctx := range h.last(t).Waiters {
			if ctx.Value(name{}) != i {
				t.Fatalf("number %d is %v", i, ctx.Value(name{}))
			}
		}
	}, with(h.hooks()))
}
