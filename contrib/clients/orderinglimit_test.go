package clients_test

import (
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
)

// limiter holds each request up for a time and counts those it lets go.
type limiter struct {
	base    http.RoundTripper
	wait    time.Duration
	permits atomic.Int32
}

func (l *limiter) RoundTrip(req *http.Request) (*http.Response, error) {
	time.Sleep(l.wait)
	l.permits.Add(1)
	return l.base.RoundTrip(req)
}

// limited is the two orders.
func limited(o *ordering, inside bool, wait time.Duration) (*limiter, http.RoundTripper) {
	if inside {
		l := &limiter{base: o.wire, wait: wait}
		return l, o.over(l)
	}
	l := &limiter{base: o.over(o.wire), wait: wait}
	return l, l
}

func TestARateLimitInsideCountsEverySendAndOutsideEveryCall(t *testing.T) {
	for name, inside := range map[string]bool{"inside": true, "outside": false} {
		t.Run(name, func(t *testing.T) {
			inOrder(t, nil, func(t *testing.T, o *ordering) {
				o.withToken()
				o.cloud.RevokeAll()
				l, rt := limited(o, inside, time.Second)
				var wg sync.WaitGroup
				for range 10 { // all are sent before the first is rejected
					wg.Go(func() {
						if status, _, err := o.get(rt); status != 200 || err != nil {
							t.Errorf("a caller got %d, %v", status, err)
						}
					})
				}
				wg.Wait()
				sends := len(o.wire.all())
				if sends <= 10 || inside && int(l.permits.Load()) != sends || !inside && l.permits.Load() != 10 {
					t.Errorf("%d permits for %d sends of 10 calls", l.permits.Load(), sends)
				}
			})
		})
	}
}

func TestARateLimitInsideTakesNoPermitForARequestThatIsNotSent(t *testing.T) {
	for name, want := range map[string]int32{"inside": 0, "outside": 1} {
		t.Run(name, func(t *testing.T) {
			inOrder(t, nil, func(t *testing.T, o *ordering) {
				o.openCircuit()
				l, rt := limited(o, name == "inside", time.Millisecond)
				if _, _, err := o.get(rt); !errors.Is(err, authtrip.ErrCircuitOpen) || l.permits.Load() != want {
					t.Errorf("the caller got %v for %d permits, want ErrCircuitOpen for %d", err, l.permits.Load(), want)
				}
			})
		})
	}
}

// TestATokenMayEndInTheQueueOfARateLimitInside: it is taken before the wait.
func TestATokenMayEndInTheQueueOfARateLimitInside(t *testing.T) {
	for name, c := range map[string]struct {
		inside bool
		sends  []int
	}{"inside": {true, []int{401, 200}}, "outside": {false, []int{200}}} {
		t.Run(name, func(t *testing.T) {
			inOrder(t, nil, func(t *testing.T, o *ordering) {
				o.cloud.SetLifetime(time.Minute)
				o.withToken()
				time.Sleep(30 * time.Second)
				_, rt := limited(o, c.inside, 45*time.Second)
				if status, _, err := o.get(rt); status != 200 || err != nil {
					t.Errorf("the caller got %d, %v", status, err)
				}
				o.wantSends(c.sends...)
			})
		})
	}
}
