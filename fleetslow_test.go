package authtrip_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
)

// slowStore takes a time that can be set.
type slowStore struct {
	authtrip.Store
	d atomic.Int64
}

func (s *slowStore) Load(ctx context.Context, k string) ([]byte, string, error) {
	if err := s.wait(ctx); err != nil {
		return nil, "", err
	}
	defer func() { _ = s.wait(ctx) }()
	return s.Store.Load(ctx, k)
}

func (s *slowStore) Save(ctx context.Context, k string, v []byte, ver string, l time.Duration) (string, error) {
	if err := s.wait(ctx); err != nil {
		return "", err
	}
	defer func() { _ = s.wait(ctx) }()
	return s.Store.Save(ctx, k, v, ver, l)
}

func (s *slowStore) Delete(ctx context.Context, k, ver string) error {
	if err := s.wait(ctx); err != nil {
		return err
	}
	defer func() { _ = s.wait(ctx) }()
	return s.Store.Delete(ctx, k, ver)
}

func (s *slowStore) wait(ctx context.Context) error {
	select {
	case <-time.After(time.Duration(s.d.Load()) / 2):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Of those who would take a lease over, who comes second waits on.
func TestTakingOverALeaseOfASlowStoreMakesNoHerd(t *testing.T) {
	for _, d := range []time.Duration{2 * time.Millisecond, 20 * time.Millisecond, 100 * time.Millisecond} {
		t.Run(d.String(), func(t *testing.T) {
			inFleet(t, 0, func(t *testing.T, f *fleet) {
				slow := &slowStore{Store: f.store}
				for range 200 {
					f.join(authtrip.WithPlaintextStore(slow))
				}
				f.mustGetAll()
				settle(time.Second)
				key, _, _ := f.store.only(t, "token/")
				f.srv.RevokeAll()
				f.srv.Break(authtest.Fault{Delay: 100 * time.Millisecond})
				if _, err := f.store.Store.Save(t.Context(), "lease/"+key[len("token/"):], []byte("dead"), "", 12*time.Second); err != nil {
					t.Fatal(err)
				}
				slow.d.Store(int64(d))
				calls := f.srv.Counts().TokenCalls
				f.mustGetAll()
				got := f.srv.Counts().TokenCalls - calls
				if got > 5 {
					t.Errorf("%d token calls by 200 processes at once", got)
				}
			})
		})
	}
}

func TestI18_ASlowStoreAndADeadLeaseLeaveTimeForTheCall(t *testing.T) {
	for _, d := range []time.Duration{300 * time.Millisecond, 600 * time.Millisecond, 800 * time.Millisecond, 900 * time.Millisecond, 980 * time.Millisecond} {
		t.Run(d.String(), func(t *testing.T) {
			inFleet(t, 0, func(t *testing.T, f *fleet) {
				slow := &slowStore{Store: f.store}
				f.join(authtrip.WithPlaintextStore(slow)).mustGet()
				settle(time.Second)
				key, _, version := f.store.only(t, "token/")
				_ = f.store.Store.Delete(t.Context(), key, version)
				if _, err := f.store.Store.Save(t.Context(), "lease/"+key[len("token/"):], []byte("dead"), "", 12*time.Second); err != nil {
					t.Fatal(err)
				}
				f.all = nil
				for range 20 {
					f.join(authtrip.WithPlaintextStore(slow))
				}
				f.srv.Break(authtest.Fault{Delay: 3200 * time.Millisecond})
				slow.d.Store(int64(d))
				f.mustGetAll()
			})
		})
	}
}

// A lease that cannot be read is another's, and is written over when it has been
// there for too long.
func TestABrokenLeaseFileIsTakenOver(t *testing.T) {
	dir := t.TempDir()
	inFleet(t, 0, func(t *testing.T, f *fleet) {
		f.srv.SetLifetime(10 * time.Minute)
		var failed atomic.Int64
		for range 10 {
			f.join(authtrip.WithPlaintextStore(authtrip.NewFileStore(dir)), authtrip.Hooks{StoreFailed: func(_ string, err error) { failed.Add(1) }})
		}
		f.srv.Break(authtest.Fault{Delay: 300 * time.Millisecond})
		f.mustGetAll()
		settle(time.Second)
		f.wantTokenCalls(1)
		settle(11 * time.Minute)
		done := make(chan bool)
		go func() { f.mustGetAll(); done <- true }()
		time.Sleep(250 * time.Millisecond) // in the call: the lease is there
		after, _ := filepath.Glob(filepath.Join(dir, "*.record"))
		lease := ""
		for _, p := range after {
			text, _ := os.ReadFile(p)
			if strings.Contains(string(text), `"owner"`) {
				lease = p
			}
		}
		<-done
		settle(time.Second)
		if lease == "" {
			t.Fatal("no lease")
		}
		if err := os.WriteFile(lease, []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		for range 6 {
			calls := f.srv.Counts().TokenCalls
			settle(11 * time.Minute)
			f.mustGetAll()
			settle(time.Second)
			if got := f.srv.Counts().TokenCalls - calls; got != 1 {
				t.Errorf("%d calls for an expiry", got)
			}
		}
		if failed.Load() == 0 {
			t.Error("nobody was told")
		}
	})
}
