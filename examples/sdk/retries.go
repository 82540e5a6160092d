package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
)

// retryAll is what some SDKs come with: whatever failed is tried again, at
// once, up to times.
func retryAll(times uint, tries *atomic.Int64) gophercloud.RetryFunc {
	return func(_ context.Context, _, _ string, _ *gophercloud.RequestOpts, err error, failed uint) error {
		if tries.Add(1); failed >= times {
			return err
		}
		return nil
	}
}

// retryWhenTold is what it should be: a request that got no response is tried
// again when the error says, once its reader has waited.
func retryWhenTold(ctx context.Context, _, _ string, _ *gophercloud.RequestOpts, err error, failed uint) error {
	_, noResponse := errors.AsType[*url.Error](err)
	if !noResponse || failed > 10 {
		return err
	}
	wait, told := authtrip.RetryAfter(err)
	if !told {
		wait = time.Second
	}
	select {
	case <-time.After(wait):
		return nil
	case <-ctx.Done():
		return err
	}
}

// framework is gophercloud calling the public API, as a fork of it may.
func (s *stage) framework(retry gophercloud.RetryFunc) *gophercloud.ServiceClient {
	provider := &gophercloud.ProviderClient{RetryFunc: retry, HTTPClient: http.Client{Transport: s.cloud.Transport()}}
	swap(provider, s.src)
	return &gophercloud.ServiceClient{ProviderClient: provider, Endpoint: s.cloud.APIURL + "/"}
}

func organizations(ctx context.Context, client *gophercloud.ServiceClient) error {
	var list struct{ OrgList []struct{ OrgID string } }
	_, err := client.Get(ctx, client.ServiceURL("v1", "organizations"), &list, nil)
	if err == nil && len(list.OrgList) != 1 {
		err = fmt.Errorf("organizations: %v", list)
	}
	return err
}

// retries is an SDK that would hammer the authorization server, which is down,
// if the circuit were not open.
func (s *stage) retries() error {
	const callers, times = 100, 50
	tok, err := s.src.Token(s.ctx)
	if err != nil {
		return err
	}
	s.src.Invalidate(tok) // no valid token
	s.cloud.Break(authtest.Fault{Status: 503})
	before := s.cloud.Counts().TokenCalls

	var tries, open atomic.Int64
	client := s.framework(retryAll(times, &tries))
	start := time.Now()
	failed := together(callers, func(int) error {
		err := organizations(s.ctx, client)
		if errors.Is(err, authtrip.ErrCircuitOpen) { // through gophercloud and net/url
			open.Add(1)
		}
		return err
	})
	took := time.Since(start)
	calls := s.cloud.Counts().TokenCalls - before
	probes := int(took / time.Second) // one a second at most
	fmt.Printf("5. retries:        the authorization server is down; %d SDK calls, each tried %d times: %d tries, all failed: %v, %d with ErrCircuitOpen; "+
		"the server saw %d token calls in %v\n", callers, times, tries.Load(), failed == callers, open.Load(), calls, took.Round(10*time.Millisecond))
	if err := check(failed == callers && open.Load() == callers && tries.Load() == callers*times && calls >= 5 && calls <= 5+probes,
		"want all failed with ErrCircuitOpen, and the 5 token calls that open the circuit"); err != nil {
		return err
	}

	s.cloud.Heal()
	before = s.cloud.Counts().TokenCalls
	start = time.Now()
	failed = together(callers, func(int) error { return organizations(s.ctx, s.framework(retryWhenTold)) })
	calls = s.cloud.Counts().TokenCalls - before
	fmt.Printf("6. recovery:       it is back; %d SDK calls that come back when RetryAfter says, %d failed, %d token call, after %v\n",
		callers, failed, calls, time.Since(start).Round(100*time.Millisecond))
	return check(failed == 0 && calls == 1, "want 0 failed and 1 token call")
}
