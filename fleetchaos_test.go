package authtrip_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/authtrip/authtrip/authtest"
)

// Everything at once, for the race detector, and that all ends.
func TestAFleetComesThroughAnything(t *testing.T) {
	inFleet(t, 8, func(t *testing.T, f *fleet) {
		f.srv.SetLifetime(5 * time.Second)
		stop := make(chan struct{})
		var wg sync.WaitGroup
		var odd sync.Map
		spawn := func(f func()) {
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						f()
						time.Sleep(time.Duration(rand.N(50)) * time.Millisecond)
					}
				}
			})
		}
		for _, m := range f.all {
			for range 3 {
				spawn(func() {
					start := time.Now()
					_, err := m.get()
					if d := time.Since(start); d > 12*time.Second {
						odd.Store(d.String(), err)
					}
				})
			}
			spawn(func() {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rand.N(3000))*time.Millisecond)
				defer cancel()
				if tok, err := m.src.Token(ctx); err == nil {
					switch rand.N(20) {
					case 0:
						m.src.Invalidate(tok)
					case 1:
						m.src.Suspect(tok)
					case 2:
						_ = m.src.Revoke(ctx)
					}
				}
			})
		}
		spawn(func() {
			time.Sleep(2 * time.Second)
			switch rand.N(6) {
			case 0:
				f.store.breakDown(down)
			case 1:
				f.store.breakDown(func(string) error { time.Sleep(time.Duration(rand.N(1500)) * time.Millisecond); return nil })
			case 2:
				f.srv.Break(authtest.Fault{Status: 500})
			case 3:
				f.srv.Break(authtest.Fault{SameToken: true, Delay: 300 * time.Millisecond})
			default:
				f.srv.Heal()
				f.store.breakDown(nil)
				f.srv.RevokeAll()
			}
		})
		time.Sleep(time.Minute)
		go func() { _ = f.all[0].src.Close() }()
		time.Sleep(time.Second)
		close(stop)
		wg.Wait()
		odd.Range(func(k, v any) bool { t.Errorf("a request took %v: %v", k, v); return true })
		f.store.breakDown(func(string) error { time.Sleep(20 * time.Second); return nil })
		for _, m := range f.all {
			start := time.Now()
			_ = m.src.Close()
			if d := time.Since(start); d > 10*time.Second {
				t.Errorf("Close took %v", d)
			}
		}
		time.Sleep(time.Minute)
	})
}

func TestAFleetSharesATokenOfASecond(t *testing.T) {
	inFleet(t, 20, func(t *testing.T, f *fleet) {
		f.srv.SetLifetime(time.Second)
		f.srv.Break(authtest.Fault{Delay: 50 * time.Millisecond})
		var failed, late atomic.Int64
		for began := time.Now(); time.Since(began) < 20*time.Second; settle(50 * time.Millisecond) {
			for _, m := range f.all {
				go func() {
					start := time.Now()
					if status, err := m.get(); status != 200 || err != nil {
						failed.Add(1)
					}
					if time.Since(start) > 500*time.Millisecond {
						late.Add(1)
					}
				}()
			}
		}
		settle(10 * time.Second)
		if failed.Load() > 0 || late.Load() > 0 {
			t.Errorf("of 8,000 requests %d failed, and %d waited for more than half a second", failed.Load(), late.Load())
		}
		if got := f.srv.Counts().TokenCalls; got > 45 {
			t.Errorf("%d token calls in 20 s", got)
		}
	})
}
