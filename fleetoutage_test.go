package authtrip_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
)

// storeTroubles are ways for a Store to fail.
func storeTroubles() map[string]func(op string) error {
	writes := func(op string) error {
		if op != "load" {
			return errors.New("READONLY You can't write against a read only replica")
		}
		return nil
	}
	return map[string]func(op string) error{
		"down":      down,
		"full":      func(op string) error { return map[string]error{"save": errors.New("OOM command not allowed")}[op] },
		"read-only": writes,
		"write-only": func(op string) error {
			return map[string]error{"load": errors.New("permission denied")}[op]
		},
		"slow": func(string) error {
			time.Sleep(5 * time.Second)
			return nil
		},
		"slow to write": func(op string) error {
			if op != "load" {
				time.Sleep(5 * time.Second)
			}
			return nil
		},
		"out of its mind": func(string) error { panic("in the Store") },
		"gone":            func(string) error { runtime.Goexit(); return nil },
	}
}

// However a Store fails, requests go on with what the processes have, waits are
// short, the hook hears of each change once, and the Store is used again when it
// works.
func TestI18_AStoreThatFailsFailsNoRequest(t *testing.T) {
	for name, trouble := range storeTroubles() {
		t.Run(name, func(t *testing.T) {
			inFleet(t, 5, func(t *testing.T, f *fleet) {
				const longest = 2100 * time.Millisecond
				f.srv.SetLifetime(10 * time.Minute)
				f.mustGetAll()
				f.wantTokenCalls(1)
				synctest.Wait()
				f.store.breakDown(trouble)
				f.srv.RevokeAll()
				if wait := f.mustGetAll(); wait > longest { // the first notice
					t.Errorf("a request waited %v", wait)
				}
				f.join()
				if wait := f.mustGetAll(); wait > longest {
					t.Errorf("a request of a new process waited %v", wait)
				}
				// The outage is known: hardly anybody waits, and hardly anybody asks.
				before, start, waited := f.store.total(), time.Now(), 0
				for time.Since(start) < 30*time.Minute {
					if f.mustGetAll() > 100*time.Millisecond {
						waited++
					}
					settle(20 * time.Second)
				}
				if n := f.store.total() - before; n > 6*250 {
					t.Errorf("the Store was asked %d times by 6 processes in half an hour", n)
				}
				if waited > 3 {
					t.Errorf("requests waited %d times", waited)
				}
				for _, m := range f.all {
					m.wantChanges(t, "the Store: ")
				}
				// It is back: within half a minute they share again.
				f.store.breakDown(nil)
				calls := f.srv.Counts().TokenCalls
				for start := time.Now(); time.Since(start) < 30*time.Minute; settle(20 * time.Second) {
					f.mustGetAll()
				}
				if got := f.srv.Counts().TokenCalls - calls; got > 9 { // every 6:40, and a few until all know
					t.Errorf("%d token calls in half an hour of a Store that works", got)
				}
				for _, m := range f.all {
					m.wantChanges(t, "the Store: ", "")
				}
				for !f.agree() { // they renew one after another
					settle(20 * time.Second)
					f.mustGetAll()
				}
				calls = f.srv.Counts().TokenCalls
				f.srv.RevokeAll()
				f.mustGetAll()
				f.wantTokenCalls(calls + 1)
			})
		})
	}
}

func TestI18_WithoutAStoreFromTheBeginningEachProcessHasItsToken(t *testing.T) {
	for name, trouble := range storeTroubles() {
		t.Run(name, func(t *testing.T) {
			inFleet(t, 5, func(t *testing.T, f *fleet) {
				f.store.breakDown(trouble)
				if wait := f.mustGetAll(); wait > 2100*time.Millisecond {
					t.Errorf("a request waited %v", wait)
				}
				if n := f.srv.Counts().TokenCalls; n > 5 {
					t.Errorf("%d token calls", n)
				}
				for _, m := range f.all {
					start := time.Now()
					if err := m.src.Close(); err != nil || time.Since(start) > 4*time.Second {
						t.Errorf("Close: %v after %v", err, time.Since(start))
					}
				}
				settle(10 * time.Second)
			})
		})
	}
}

// However often a token is needed, nobody waits for a Store that is known to
// fail but who finds out whether it still does.
func TestI18_AStoreThatIsKnownToHangIsLeftAlone(t *testing.T) {
	inFleet(t, 1, func(t *testing.T, f *fleet) {
		f.srv.SetLifetime(2 * time.Second)
		f.store.breakDown(func(string) error { time.Sleep(5 * time.Second); return nil })
		waits := 0
		for range 100 { // 5 min, and a token that has expired each time
			start := time.Now()
			f.all[0].mustGet()
			if time.Since(start) > 100*time.Millisecond {
				waits++
			}
			settle(3 * time.Second)
		}
		if waits > 20 {
			t.Errorf("%d of 100 requests waited for the Store", waits)
		}
		if n := f.store.total(); n > 40 {
			t.Errorf("it was asked %d times", n)
		}
		settle(10 * time.Second) // until it has answered all
	})
}

// Nor does anybody wait for a lease that cannot be written, where nobody has it.
func TestI18_WhereNobodyCanHaveTheLeaseNobodyWaitsForIt(t *testing.T) {
	inFleet(t, 1, func(t *testing.T, f *fleet) {
		f.store.breakDown(func(op string) error { return map[string]error{"save": errors.New("READONLY")}[op] })
		for range 5 {
			start := time.Now()
			tok, err := f.all[0].src.Token(t.Context())
			if err != nil || time.Since(start) > 100*time.Millisecond {
				t.Fatalf("%v after %v", err, time.Since(start))
			}
			f.all[0].src.Invalidate(tok)
			settle(100 * time.Millisecond)
		}
	})
}

// Who finds a lease taken has not written: whether it could, it finds out.
func TestI18_AConflictDoesNotHideThatTheStoreWorksAgain(t *testing.T) {
	inFleet(t, 1, func(t *testing.T, f *fleet) {
		f.srv.SetLifetime(time.Hour)
		m := f.all[0]
		f.store.breakDown(func(op string) error { return map[string]error{"save": errors.New("full")}[op] })
		m.mustGet()
		m.wantChanges(t, "full")
		f.store.breakDown(nil)
		settle(45 * time.Minute)
		f.store.mustHoldLease(t, `{"form":1}`)
		m.mustGet()
		m.wantChanges(t, "full", "")
	})
}

// The Store dies while the token call is under way, for which it gave the lease.
func TestI18_AStoreMayDieDuringATokenCall(t *testing.T) {
	inFleet(t, 3, func(t *testing.T, f *fleet) {
		f.srv.Break(authtest.Fault{Delay: 500 * time.Millisecond})
		go func() {
			time.Sleep(250 * time.Millisecond)
			f.store.breakDown(down)
		}()
		if wait := f.mustGetAll(); wait > 2*time.Second {
			t.Errorf("a request waited %v", wait)
		}
		settle(time.Minute)
		f.mustGetAll()
		if n := f.srv.Counts().TokenCalls; n > 3 {
			t.Errorf("%d token calls", n)
		}
	})
}

// A fail-over may lose what was saved last.
func TestI18_AStoreThatLostItsRecordsIsFilledAgain(t *testing.T) {
	inFleet(t, 5, func(t *testing.T, f *fleet) {
		f.srv.SetLifetime(time.Hour)
		f.mustGetAll()
		synctest.Wait()
		f.store.Store = authtrip.NewMemoryStore(0)
		for range 60 {
			settle(time.Minute)
			f.mustGetAll()
		}
		f.wantTokenCalls(2)
		f.join()
		f.mustGetAll()
		f.wantTokenCalls(2)
	})
}

// A caller's context ends its wait, whatever the Store does.
func TestI18_ACallerLeavesAStoreThatHangs(t *testing.T) {
	inFleet(t, 1, func(t *testing.T, f *fleet) {
		f.store.breakDown(func(string) error { time.Sleep(5 * time.Second); return nil })
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		start := time.Now()
		_, err := f.all[0].src.Token(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 10*time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		settle(10 * time.Second)
	})
}

// An open circuit does not turn every request into one to the Store.
func TestI18_WhileTheCircuitIsOpenTheStoreIsAskedOnceASecond(t *testing.T) {
	inFleet(t, 2, func(t *testing.T, f *fleet) {
		one, two := f.all[0], f.all[1]
		f.srv.Break(authtest.Fault{Status: 500})
		for range 20 {
			_, _ = one.get()
			settle(10 * time.Millisecond)
		}
		before := f.store.total()
		for range 1000 {
			if _, err := one.get(); !errors.Is(err, authtrip.ErrCircuitOpen) && err == nil {
				t.Fatal("a request was sent without a token")
			}
			settle(10 * time.Millisecond)
		}
		if n := f.store.total() - before; n > 60 {
			t.Errorf("the Store was asked %d times in 10 s", n)
		}
		// What another process gets meanwhile is found though.
		f.srv.Heal()
		two.mustGet()
		calls := f.srv.Counts().TokenCalls
		settle(2 * time.Second)
		one.mustGet()
		f.wantTokenCalls(calls)
	})
}

// agree reports whether all members have the same token, and are not about to
// renew it.
func (f *fleet) agree() bool {
	f.t.Helper()
	tokens := map[string]bool{}
	for _, m := range f.all {
		tok, err := m.src.Token(f.t.Context())
		if err != nil {
			f.t.Fatal(err)
		}
		tokens[tok.AccessToken()] = true
		if time.Until(tok.Expiry()) < 4*time.Minute {
			return false
		}
	}
	return len(tokens) == 1
}

// wantChanges wants StoreChanged to have told just these; empty is nil.
func (m *member) wantChanges(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.changes) != len(want) {
		t.Fatalf("told of %d changes, want %d: %v", len(m.changes), len(want), m.changes)
	}
	for i, err := range m.changes {
		if (err == nil) != (want[i] == "") || err != nil && !strings.Contains(err.Error(), want[i]) {
			t.Errorf("told %v, want %q", err, want[i])
		}
	}
}
