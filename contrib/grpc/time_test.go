package authgrpc_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

func TestI04_NobodyNoticesAnOutageWhileATokenIsValid(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.mustCheck()
		w.auth.answers(down)
		for range 55 { // of 60 minutes
			time.Sleep(time.Minute)
			w.mustCheck()
		}
	})
}

func TestI11_AnOutageWithoutATokenFailsAtOnceAndHammersNobody(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.auth.answers(down)
		open, slowest := 0, time.Duration(0)
		for range 600 { // a minute
			began := time.Now()
			err := w.check()
			w.wantCode(err, codes.Unavailable)
			if errors.Is(err, authtrip.ErrCircuitOpen) {
				open++
				slowest = max(slowest, time.Since(began))
			}
			time.Sleep(100 * time.Millisecond)
		}
		if open < 500 || slowest > 0 {
			t.Errorf("%d RPCs failed for an open circuit, the slowest after %v; want most, at once", open, slowest)
		}
		if n := w.auth.called(); n < 7 || n > 20 {
			t.Errorf("%d token calls in a minute, want some and few", n)
		}
		w.wantSends(0)

		w.auth.answers(nil)
		time.Sleep(15 * time.Second) // until the next probe is due
		w.mustCheck()
	})
}

func TestI10_AServerThatAlwaysRejectsCostsTwoTokenCalls(t *testing.T) {
	for name, atOnce := range map[string]bool{"in turn": false, "at once": true} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				w.api.judges(reject)
				ended := map[codes.Code]int{}
				if atOnce {
					ended = w.all(100)
				} else {
					for range 100 {
						ended[status.Code(w.check())]++
					}
					w.wantSends(101)
				}
				if ended[codes.Unauthenticated] != 100 {
					t.Fatalf("ended with %v", ended)
				}
				if n := len(w.api.seen()); n > 200 {
					t.Fatalf("100 RPCs were sent %d times", n)
				}
				w.wantTokenCalls(2)
			})
		})
	}
}

func TestI10_ThePauseDoubles(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.api.judges(reject)
		var calls []time.Duration
		for start := time.Now(); time.Since(start) < 200*time.Second; time.Sleep(250 * time.Millisecond) {
			before := w.auth.called()
			w.wantCode(w.check(), codes.Unauthenticated)
			if w.auth.called() > before {
				calls = append(calls, time.Since(start).Round(time.Second))
			}
		}
		want := []time.Duration{0, 1, 3, 7, 15, 31, 63, 123, 183} // 1 s doubling to 60 s
		if !slices.EqualFunc(calls, want, func(got, want time.Duration) bool { return (got - want*time.Second).Abs() <= time.Second }) {
			t.Fatalf("reissues at %v, want %v", calls, want)
		}
	})
}

func TestI10_AnAcceptedRepeatEndsThePause(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.mustCheck()
		for n := range 5 { // each within the pause of the one before, were it not ended
			w.auth.revokeAll()
			w.mustCheck()
			w.wantTokenCalls(2 + n)
		}
	})
}

func TestI10_ARevocationInsideThePauseIsNoticedWhenItEnds(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.api.judges(reject)
		w.wantCode(w.check(), codes.Unauthenticated)
		w.api.judges(w.api.wantToken)
		w.auth.revokeAll()
		w.wantCode(w.check(), codes.Unauthenticated)
		w.wantTokenCalls(2)
		time.Sleep(1100 * time.Millisecond)
		w.mustCheck()
		w.wantTokenCalls(3)
	})
}

func TestARepeatThatSaysNothingOfItsTokenIsNoVerdict(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.mustCheck()
		w.auth.revokeAll()
		w.api.answers(func(context.Context) error { return status.Error(codes.Unavailable, "drained") })
		w.wantCode(w.check(), codes.Unavailable)
		w.wantTokenCalls(2)

		// It did not end the pause.
		w.auth.revokeAll()
		w.wantCode(w.check(), codes.Unauthenticated)
		w.wantTokenCalls(2)
	})
}

func TestAnRPCThatIsAcceptedAtFirstIsAVerdictToo(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.mustCheck()
		w.auth.revokeAll()
		w.api.answers(func(context.Context) error { return status.Error(codes.Unavailable, "drained") })
		w.wantCode(w.check(), codes.Unavailable) // nothing is known of the new token
		w.api.answers(nil)
		time.Sleep(2 * time.Second)
		w.mustCheck() // but now
		w.auth.revokeAll()
		w.mustCheck()
		w.wantTokenCalls(3)
	})
}

func TestATokenThatIsRejectedDuringAnOutageGoesOnBeingSent(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.mustCheck()
		w.auth.answers(down)
		odd := true
		w.api.judges(func(md metadata.MD) error {
			if odd {
				odd = false
				return reject(md)
			}
			return w.api.wantToken(md)
		})
		w.wantCode(w.check(), codes.Unauthenticated)
		for range 20 {
			w.mustCheck()
		}
	})
}

func TestI01_NothingIsLeftBehindWhenRPCsAreOver(t *testing.T) {
	// The bubble fails when a goroutine is left that nothing wakes.
	inBubble(t, func(t *testing.T, w *world) {
		w.mustCheck()
		w.auth.revokeAll()
		w.mustCheck()
		w.api.answers(func(context.Context) error { return status.Error(codes.Unavailable, "drained") })
		_ = w.check()
		w.auth.answers(down)
		w.auth.revokeAll()
		_ = w.check()
		synctest.Wait()
	})
}
