package main

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"

	"github.com/authtrip/authtrip"
)

// swap puts a Transport under the SDK, before it logs in: it keeps a copy of
// its http.Client for later logins.
func swap(provider *gophercloud.ProviderClient, src *authtrip.Source) {
	provider.HTTPClient.Transport = &authtrip.Transport{Source: src, Base: provider.HTTPClient.Transport}
}

// provider is gophercloud, logged in to Keystone.
func (s *stage) provider() (*gophercloud.ProviderClient, error) {
	provider, err := openstack.NewClient(s.stack.URL + "/v3")
	if err != nil {
		return nil, err
	}
	swap(provider, s.src)
	return provider, openstack.Authenticate(s.ctx, provider, gophercloud.AuthOptions{
		IdentityEndpoint: s.stack.URL + "/v3",
		Username:         "user", Password: "password", DomainName: "default", TenantName: "project",
		AllowReauth: true,
	})
}

// swappedTransport is one http.Client for both sides of the cloud: requests
// with a Keystone token go untouched, and get another from the SDK when it has
// ended; requests to the public API get ours.
func (s *stage) swappedTransport() error {
	provider, err := s.provider()
	if err != nil {
		return err
	}
	compute, err := openstack.NewComputeV2(provider, gophercloud.EndpointOpts{Region: "KR1"})
	if err != nil {
		return err
	}
	both := func(i int) error {
		if i%2 == 0 {
			return listServers(s.ctx, compute)
		}
		// Not provider.Request, which would send the Keystone token there too.
		return get(s.ctx, &provider.HTTPClient, s.cloud.APIURL+"/v1/organizations")
	}
	failed := together(100, both)
	before, stackBefore := s.cloud.Counts(), s.stack.seen()
	s.cloud.RevokeAll()
	s.stack.expire()
	failed += together(100, both)
	after, stack := s.cloud.Counts(), s.stack.seen()

	reissues, logins := after.TokenCalls-before.TokenCalls, stack.logins-stackBefore.logins
	fmt.Printf("1. gophercloud:    200 requests of one client to Nova and to the public API, both kinds of token end meanwhile; "+
		"%d failed, %d new Keystone login, %d token reissue, %d of our tokens went to OpenStack\n", failed, logins, reissues, stack.leaked)
	return check(failed == 0 && before.TokenCalls == 1 && reissues == 1 && after.Rejected > 0 &&
		stackBefore.logins == 1 && logins == 1 && stack.rejected > 0 && stack.listed == 100 && stack.leaked == 0,
		"want 0 failed, 1 login, 1 reissue after some rejections, and 0 tokens at OpenStack")
}

func listServers(ctx context.Context, compute *gophercloud.ServiceClient) error {
	pages, err := servers.List(compute, nil).AllPages(ctx)
	if err != nil {
		return err
	}
	list, err := servers.ExtractServers(pages)
	if err == nil && (len(list) != 1 || list[0].Name != "web-1") {
		err = fmt.Errorf("servers: %v", list)
	}
	return err
}

// get sends one request; any answer but 200 is an error.
func get(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("status %s", res.Status)
	}
	return nil
}
