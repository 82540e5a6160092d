package main

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
)

func TestAnSDKThatRetriesEverythingDoesNotHammerTheAuthorizationServer(t *testing.T) {
	s := given(t)
	s.withoutToken(t)
	s.cloud.Break(authtest.Fault{Status: 503})
	before, start := s.cloud.Counts().TokenCalls, time.Now()

	var tries atomic.Int64
	client := s.framework(retryAll(50, &tries))
	failed := together(40, func(int) error {
		err := organizations(t.Context(), client)
		if err != nil && !errors.Is(err, authtrip.ErrCircuitOpen) {
			t.Errorf("failed with %v, want ErrCircuitOpen in the end", err)
		}
		return err
	})
	calls, probes := s.cloud.Counts().TokenCalls-before, int(time.Since(start)/time.Second)
	if failed != 40 || tries.Load() != 40*50 || calls < 5 || calls > 5+probes {
		t.Errorf("%d of 40 SDK calls failed after %d tries, with %d token calls; want all, 2000, and 5 token calls (and %d probes)",
			failed, tries.Load(), calls, probes)
	}
}

// TestTenMinutesOfRetriesAreSomeProbes is the same for long: 10 workers that
// try ten times a second.
func TestTenMinutesOfRetriesAreSomeProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := givenInMemory(t)
		s.withoutToken(t)
		s.cloud.Break(authtest.Fault{Reset: true})
		before := s.cloud.Counts().TokenCalls

		var tries atomic.Int64
		end := time.Now().Add(10 * time.Minute)
		client := s.framework(func(_ context.Context, _, _ string, _ *gophercloud.RequestOpts, err error, _ uint) error {
			tries.Add(1)
			if time.Now().After(end) {
				return err
			}
			time.Sleep(100 * time.Millisecond)
			return nil
		})
		failed := together(10, func(int) error { return organizations(t.Context(), client) })

		// 5 open the circuit; then a probe after 1, 2, 4, 8, 10, 10, … seconds.
		calls := s.cloud.Counts().TokenCalls - before
		if failed != 10 || tries.Load() < 50_000 || calls < 60 || calls > 80 {
			t.Errorf("%d of 10 failed after %d tries with %d token calls; want 10, 50,000 and more, and 60 to 80", failed, tries.Load(), calls)
		}
	})
}

func TestErrCircuitOpenIsFoundThroughTheSDK(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := givenInMemory(t)
		s.withoutToken(t)
		s.openCircuit(t)
		_, pages := servers.List(s.framework(nil), nil).AllPages(s.ctx)
		for name, err := range map[string]error{
			"a call":           organizations(s.ctx, s.framework(nil)),
			"a call, retried":  organizations(s.ctx, s.framework(retryAll(3, new(atomic.Int64)))),
			"a list, in pages": pages,
		} {
			if !errors.Is(err, authtrip.ErrCircuitOpen) {
				t.Errorf("%s: errors.Is finds no ErrCircuitOpen in %v", name, err)
			}
			if wait, ok := authtrip.RetryAfter(err); !ok || wait <= 0 || wait > 1100*time.Millisecond {
				t.Errorf("%s: RetryAfter is %v, %v; want a second or less", name, wait, ok)
			}
		}
	})
}

// TestErrCircuitOpenIsFoundAfterTheSDKsOwnLogin is an API that rejects our
// token, which the SDK takes for the end of its own.
func TestErrCircuitOpenIsFoundAfterTheSDKsOwnLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := givenInMemory(t, authtrip.Policy{BreakerFailures: 1})
		tok, err := s.src.Token(s.ctx)
		must(t, err)
		s.cloud.RevokeAll()
		s.cloud.Break(authtest.Fault{Reset: true})
		client := s.framework(nil)
		client.ReauthFunc = func(context.Context) error {
			s.src.Invalidate(tok)
			return nil
		}
		err = organizations(s.ctx, client)
		if _, ok := errors.AsType[*gophercloud.ErrErrorAfterReauthentication](err); !ok || !errors.Is(err, authtrip.ErrCircuitOpen) {
			t.Errorf("the SDK failed with %T (%v), want its ErrErrorAfterReauthentication around ErrCircuitOpen", err, err)
		}
	})
}

func TestAnSDKThatWaitsAsItIsToldIsServedOnceTheServerIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := givenInMemory(t)
		s.withoutToken(t)
		s.openCircuit(t)
		time.AfterFunc(20*time.Second, s.cloud.Heal)
		start := time.Now()
		client := s.framework(retryWhenTold)
		failed := together(50, func(int) error { return organizations(s.ctx, client) })

		// The probe after the server is back is 10 s and 10 % away at most.
		if took := time.Since(start); failed != 0 || took > 35*time.Second {
			t.Errorf("%d of 50 failed, after %v; want 0, within 35 s", failed, took)
		}
	})
}

// openCircuit breaks the authorization server and asks until it is not asked
// any more.
func (s *stage) openCircuit(t *testing.T) {
	t.Helper()
	s.cloud.Break(authtest.Fault{Reset: true})
	var err error
	for range 10 {
		if _, err = s.src.Token(s.ctx); errors.Is(err, authtrip.ErrCircuitOpen) {
			return
		}
	}
	t.Fatalf("the circuit does not open; the tenth caller got %v", err)
}
