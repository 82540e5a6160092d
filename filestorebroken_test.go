package authtrip_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/nhn"
)

// One file that is broken is written anew if it held a client's token, and the
// others are as good as before.
func TestOneBrokenFileIsNoOutageOfTheStore(t *testing.T) {
	t.Run("as it is", func(t *testing.T) {
		oneBrokenFile(t, func(s authtrip.Store) []authtrip.Option {
			return []authtrip.Option{authtrip.WithPlaintextStore(s)}
		})
	})
	t.Run("sealed", func(t *testing.T) {
		oneBrokenFile(t, func(s authtrip.Store) []authtrip.Option {
			return []authtrip.Option{authtrip.WithStore(s), sealedBy(1)}
		})
	})
}

func oneBrokenFile(t *testing.T, on func(authtrip.Store) []authtrip.Option) {
	synctest.Test(t, func(t *testing.T) {
		srv := authtest.NewNHN(authtest.InMemory())
		t.Cleanup(srv.Close)
		srv.SetLifetime(10 * time.Minute)
		dir := t.TempDir()
		token := srv.Transport().Clone()
		token.DisableKeepAlives = true
		var mu sync.Mutex
		var told []error
		open := func() (a, b *authtrip.Source) {
			var regs []authtrip.Registration
			for _, id := range []string{"a", "b"} {
				r := nhn.Registration(srv.Credentials(), srv.Options()...)
				r.ID = id
				regs = append(regs, r)
			}
			m, err := authtrip.NewManager(regs, append(on(authtrip.NewFileStore(dir)), authtrip.WithTokenTransport(token),
				authtrip.Hooks{StoreChanged: func(err error) {
					mu.Lock()
					defer mu.Unlock()
					told = append(told, err)
				}})...)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = m.Close() })
			a, _ = m.Source("a")
			b, _ = m.Source("b")
			return a, b
		}
		mustToken := func(s *authtrip.Source) {
			t.Helper()
			if _, err := s.Token(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		a, b := open()
		mustToken(a)
		settle(time.Second)
		files, _ := filepath.Glob(filepath.Join(dir, "*.record"))
		if len(files) != 1 {
			t.Fatal(files)
		}
		if err := os.WriteFile(files[0], []byte("cut sh"), 0o600); err != nil {
			t.Fatal(err)
		}
		mustToken(b)
		settle(time.Second)
		calls := srv.Counts().TokenCalls
		a, b = open()
		mustToken(a) // has to call
		mustToken(b) // is in the Store
		if got := srv.Counts().TokenCalls - calls; got != 1 {
			t.Errorf("%d token calls, want a's: b's token is in the Store", got)
		}
		settle(time.Second)
		a, _ = open()
		mustToken(a) // is there again
		if got := srv.Counts().TokenCalls - calls; got != 1 {
			t.Errorf("%d token calls, want none for what was written anew", got)
		}
		for range 20 {
			settle(11 * time.Minute)
			mustToken(a)
			mustToken(b)
			settle(time.Second)
		}
		mu.Lock()
		defer mu.Unlock()
		if len(told) > 2 {
			t.Errorf("StoreChanged told of %d changes in %d renewals: %.200v", len(told), 20, told[:2])
		}
	})
}
