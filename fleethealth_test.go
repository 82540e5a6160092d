package authtrip_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/nhn"
)

// A short FetchTimeout leaves time for the call, whatever the Store does.
func TestI18_AStoreThatHangsFailsNoRequestWhateverTheFetchTimeout(t *testing.T) {
	for _, timeout := range []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second} {
		for _, hang := range []time.Duration{900 * time.Millisecond, 5 * time.Second} {
			t.Run(fmt.Sprint(timeout, hang), func(t *testing.T) {
				inFleet(t, 1, func(t *testing.T, f *fleet) {
					f.srv.Break(authtest.Fault{Delay: 50 * time.Millisecond})
					f.store.breakDown(func(string) error { time.Sleep(hang); return nil })
					failed := 0
					for range 5 {
						if status, err := f.all[0].get(); status != 200 {
							failed++
							t.Log(err)
						}
						settle(3 * time.Second)
					}
					if failed > 0 {
						t.Errorf("%d of 5 requests failed", failed)
					}
					settle(20 * time.Second)
				}, authtrip.Policy{FetchTimeout: timeout})
			})
		}
	}
}

// A look, a try for the lease, and another look.
func TestI18_ASlowStoreCostsThreeSecondsAtMost(t *testing.T) {
	inFleet(t, 1, func(t *testing.T, f *fleet) {
		f.srv.SetLifetime(10 * time.Minute)
		f.store.breakDown(func(string) error { time.Sleep(950 * time.Millisecond); return nil })
		for range 3 {
			if wait := f.mustGetAll(); wait > 3*time.Second {
				t.Errorf("a request waited %v", wait)
			}
			settle(11 * time.Minute)
		}
	})
}

// hollowStore answers everything and keeps nothing.
type hollowStore struct{ ops atomic.Int64 }

func (s *hollowStore) Load(context.Context, string) ([]byte, string, error) {
	s.ops.Add(1)
	return nil, "", nil
}

func (s *hollowStore) Save(context.Context, string, []byte, string, time.Duration) (string, error) {
	s.ops.Add(1)
	return "", nil
}

func (s *hollowStore) Delete(context.Context, string, string) error {
	s.ops.Add(1)
	return nil
}

// Such a Store is trouble, and no lease that one has.
func TestAStoreWithoutVersionsIsNotAskedWithoutBound(t *testing.T) {
	store := &hollowStore{}
	w := newWorld(t, with(authtrip.WithPlaintextStore(store), authtrip.Policy{FetchTimeout: time.Second}))
	w.mustGet()
	if n := store.ops.Load(); n > 10 {
		t.Errorf("%d operations for one request", n)
	}
}

// Ten tenants' flights notice one hiccup: that is one failure, not ten.
func TestOneHiccupKeepsAManagerFromItsStoreForASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := authtest.NewNHN(authtest.InMemory())
		t.Cleanup(srv.Close)
		store := newSpyStore()
		token := srv.Transport().Clone()
		token.DisableKeepAlives = true
		var regs []authtrip.Registration
		for i := range 11 {
			r := nhn.Registration(srv.Credentials(), srv.Options()...)
			r.ID = fmt.Sprint("tenant-", i)
			regs = append(regs, r)
		}
		m, err := authtrip.NewManager(regs, authtrip.WithPlaintextStore(store), authtrip.WithTokenTransport(token))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = m.Close() })
		store.breakDown(func(string) error { time.Sleep(10 * time.Millisecond); return errors.New("reset") })
		for i := range 10 {
			src, _ := m.Source(fmt.Sprint("tenant-", i))
			go func() { _, _ = src.Token(context.Background()) }()
		}
		time.Sleep(100 * time.Millisecond)
		store.breakDown(nil)
		back := time.Now()
		before := store.count("load")
		src, _ := m.Source("tenant-10")
		for store.count("load") == before && time.Since(back) < time.Minute {
			tok, err := src.Token(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			src.Invalidate(tok)
			time.Sleep(100 * time.Millisecond)
		}
		if wait := time.Since(back); wait > 2*time.Second {
			t.Errorf("after one hiccup of 100 ms the Store was left alone for %v", wait)
		}
	})
}

// One user's broken record keeps no client from sharing.
func TestOneUsersBrokenRecordIsNoOutageOfTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &oneKeyStore{Store: authtrip.NewMemoryStore(0)}
		srv := authtest.NewNHN(authtest.InMemory())
		t.Cleanup(srv.Close)
		token := srv.Transport().Clone()
		token.DisableKeepAlives = true
		user := registration()
		user.ID, user.Grant = "users", authtrip.RefreshToken
		user.RefreshToken = func(context.Context, string) (authtrip.Secret, error) { return authtrip.Secret{}, nil }
		m, err := authtrip.NewManager([]authtrip.Registration{nhn.Registration(srv.Credentials(), srv.Options()...), user},
			authtrip.WithPlaintextStore(store), authtrip.WithTokenTransport(token))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = m.Close() })
		own, err := m.Source("nhn")
		if err != nil {
			t.Fatal(err)
		}
		ann, _ := m.SourceFor("users", "ann")
		for range 120 { // her program asks again and again
			if _, err := ann.Token(t.Context()); err == nil {
				t.Fatal("no error")
			}
			settle(500 * time.Millisecond)
		}
		before := store.tokens.Load()
		if _, err := own.Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if store.tokens.Load() == before {
			t.Error("a client's token is not looked for in the Store, because of one user's record")
		}
	})
}

// oneKeyStore cannot read logins, as where one slot, one row or one file is broken.
type oneKeyStore struct {
	authtrip.Store
	tokens atomic.Int64
}

// Who noticed the outage shares again as soon as the Store can be used.
func TestI18_AfterAnOutageAFleetMakesOneCall(t *testing.T) {
	inFleet(t, 20, func(t *testing.T, f *fleet) {
		f.srv.SetLifetime(time.Hour)
		f.srv.Break(authtest.Fault{Delay: 200 * time.Millisecond})
		f.store.breakDown(down)
		f.mustGetAll() // all notice
		f.wantTokenCalls(20)
		settle(time.Hour) // nobody asks until all tokens have expired
		f.store.breakDown(nil)
		settle(time.Minute)
		f.mustGetAll()
		f.wantTokenCalls(21)
	})
}

// With Store and server down, requests do not make flights without end.
func TestI11_WithBothDownARequestMakesNoFlight(t *testing.T) {
	var hooks atomic.Int64
	inFleet(t, 0, func(t *testing.T, f *fleet) {
		m := f.join(authtrip.Hooks{TokenCallStart: func(ctx, _ context.Context, _ authtrip.TokenCall) context.Context { hooks.Add(1); return ctx }})
		f.store.breakDown(down)
		f.srv.Break(authtest.Fault{Status: 500})
		for range 20 {
			_, _ = m.get()
			settle(10 * time.Millisecond)
		}
		before, calls := hooks.Load(), f.srv.Counts().TokenCalls
		for range 1000 {
			_, _ = m.get()
			settle(time.Millisecond)
		}
		made := int64(f.srv.Counts().TokenCalls - calls)
		if n := hooks.Load() - before; n > made+5 {
			t.Errorf("Hooks.TokenCallStart was called %d times in a second, for %d token calls", n, made)
		}
	})
}

// With the circuit open, flights look into the Store and make no call.
func TestTheTokenCallHookIsToldOfCallsOnly(t *testing.T) {
	var hooks atomic.Int64
	inFleet(t, 0, func(t *testing.T, f *fleet) {
		m := f.join(authtrip.Hooks{TokenCallStart: func(ctx, _ context.Context, _ authtrip.TokenCall) context.Context { hooks.Add(1); return ctx }})
		f.srv.Break(authtest.Fault{Status: 500})
		for range 6000 {
			_, _ = m.get()
			settle(10 * time.Millisecond)
		}
		if n := hooks.Load(); n > int64(f.srv.Counts().TokenCalls) {
			t.Errorf("Hooks.TokenCallStart was called %d times for %d attempts", n, f.srv.Counts().TokenCalls)
		}
	})
}

func (s *oneKeyStore) Load(ctx context.Context, key string) ([]byte, string, error) {
	if strings.HasPrefix(key, "login/") {
		return nil, "", errors.New("WRONGTYPE Operation against a key holding the wrong kind of value")
	}
	s.tokens.Add(1)
	return s.Store.Load(ctx, key)
}
