package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
)

func TestKeystoneRequestsPassThroughUntouched(t *testing.T) {
	// Given gophercloud over a Transport, and what it sends to OpenStack.
	s := given(t)
	seen := &recorder{base: http.DefaultTransport}
	provider := &gophercloud.ProviderClient{IdentityBase: s.stack.URL + "/", IdentityEndpoint: s.stack.URL + "/v3/"}
	provider.UseTokenLock()
	provider.HTTPClient.Transport = seen
	swap(provider, s.src)
	must(t, openstack.Authenticate(t.Context(), provider, gophercloud.AuthOptions{
		IdentityEndpoint: s.stack.URL + "/v3/", Username: "user", Password: "password", DomainName: "default", AllowReauth: true,
	}))
	compute, err := openstack.NewComputeV2(provider, gophercloud.EndpointOpts{Region: "KR1"})
	must(t, err)

	// When it lists servers, its token ends, and it lists them again.
	must(t, listServers(t.Context(), compute))
	first := provider.Token()
	s.stack.expire()
	must(t, listServers(t.Context(), compute))

	// Then it logged in once more by itself, and OpenStack saw its tokens and none of ours.
	if got := s.stack.seen(); got.logins != 2 || got.rejected != 1 || got.listed != 2 || got.leaked != 0 {
		t.Errorf("OpenStack saw %+v, want 2 logins, 1 rejected, 2 listed, 0 leaked", got)
	}
	if want := []string{"", first, first, "", provider.Token()}; !slices.Equal(seen.tokens, want) || first == provider.Token() {
		t.Errorf("sent with the Keystone tokens %q, want %q", seen.tokens, want)
	}
	for _, h := range seen.headers {
		if strings.Contains(strings.ToLower(strings.Join(h, " ")), "nhn") {
			t.Errorf("sent with the headers %v", h)
		}
	}
	// Nor was one needed: a rejection by Keystone is none of our token.
	if got := s.cloud.Counts().TokenCalls; got != 0 {
		t.Errorf("%d token calls, want 0", got)
	}
}

func TestRequestsToThePublicAPIOfTheSameClientSurviveARevocation(t *testing.T) {
	s := given(t)
	provider, err := s.provider()
	must(t, err)
	client := &provider.HTTPClient

	must(t, get(t.Context(), client, s.cloud.APIURL+"/v1/organizations"))
	s.cloud.RevokeAll()
	failed := together(50, func(i int) error {
		if i%2 == 0 {
			return get(t.Context(), client, s.cloud.APIURL+"/v1/organizations")
		}
		res, err := client.Post(s.cloud.APIURL+"/v1/things", "application/json", strings.NewReader(`{"name": "thing"}`))
		return answer(res, err)
	})
	if got := s.cloud.Counts(); failed != 0 || got.TokenCalls != 2 || got.Rejected == 0 {
		t.Errorf("%d failed, %d token calls, %d rejected; want 0, 2 and some", failed, got.TokenCalls, got.Rejected)
	}
	// The Keystone token goes where the SDK sends it, and not here.
	if n := s.sentTo("api", "X-Auth-Token"); n != 0 {
		t.Errorf("%d requests to the public API carried a Keystone token", n)
	}
}

// TestTheSDKsOwnRequestShowsTheKeystoneTokenToThePublicAPI is why the example
// uses the SDK's http.Client for it and not the SDK's Request.
func TestTheSDKsOwnRequestShowsTheKeystoneTokenToThePublicAPI(t *testing.T) {
	s := given(t)
	provider, err := s.provider()
	must(t, err)
	must(t, organizations(t.Context(), &gophercloud.ServiceClient{ProviderClient: provider, Endpoint: s.cloud.APIURL + "/"}))
	if n := s.sentTo("api", "X-Auth-Token"); n != 1 {
		t.Errorf("%d requests to the public API carried a Keystone token, want 1: gophercloud has changed", n)
	}
}

// recorder is under a Transport and notes what it sends.
type recorder struct {
	base    http.RoundTripper
	tokens  []string   // X-Auth-Token of each request
	headers [][]string // names
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	r.tokens = append(r.tokens, req.Header.Get("X-Auth-Token"))
	var names []string
	for name := range req.Header {
		names = append(names, name)
	}
	r.headers = append(r.headers, names)
	return r.base.RoundTrip(req)
}
