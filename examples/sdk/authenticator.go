package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/nhn"
)

// The SDK, in small: a core client with an http.Client that nobody can reach,
// and an authenticator for what it sends.

type authenticator interface {
	Authenticate(req *http.Request) error
}

type bearer interface {
	GetBearerToken() (string, error)
}

var (
	_ authenticator = nhn.Authenticator{}
	_ bearer        = nhn.Authenticator{}
)

type rdsClient struct {
	endpoint string
	auth     authenticator
	client   http.Client
}

func newRDSClient(endpoint string, auth authenticator) *rdsClient {
	return &rdsClient{endpoint: endpoint, auth: auth}
}

var errTokenEnded = errors.New("80401: the token is not valid")

// instances is one call of the SDK.
func (c *rdsClient) instances(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.endpoint+"/v4.0/db-instances", nil)
	if err != nil {
		return err
	}
	if err := c.auth.Authenticate(req); err != nil {
		return err
	}
	return answer(c.client.Do(req))
}

// tokenClient is for the other kind of SDK, which wants the token itself.
type tokenClient struct {
	endpoint string
	auth     bearer
	client   http.Client
}

func (c *tokenClient) organizations(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.endpoint+"/v1/organizations", nil)
	if err != nil {
		return err
	}
	token, err := c.auth.GetBearerToken()
	if err != nil {
		return err
	}
	req.Header.Set("x-nhn-authorization", "Bearer "+token)
	return answer(c.client.Do(req))
}

// answer judges a response as these services want it: by its envelope.
func answer(res *http.Response, err error) error {
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	var body struct {
		Header *struct {
			IsSuccessful bool
			ResultCode   int
		}
	}
	if err := json.NewDecoder(res.Body).Decode(&body); err != nil {
		return err
	}
	switch {
	case res.StatusCode != http.StatusOK:
		return fmt.Errorf("status %s", res.Status)
	case body.Header == nil || body.Header.IsSuccessful:
		return nil
	case body.Header.ResultCode == 80401:
		return errTokenEnded
	}
	return fmt.Errorf("result code %d", body.Header.ResultCode)
}

// authenticator is an SDK that is given the Source in its own form. It sees
// rejections that we cannot see, and says so to its caller, who tells us.
func (s *stage) authenticator() error {
	auth := nhn.Authenticator{Source: s.src}
	rds := newRDSClient(s.cloud.Service(authtest.RDS), auth)
	before := s.cloud.Counts()
	failed := together(100, func(int) error { return rds.instances(s.ctx) })

	third := newRDSClient(s.cloud.ThirdPartyURL, auth)
	failed += together(10, func(int) error { return third.instances(s.ctx) })
	leaked := s.sentTo("third-party", nhn.HeaderAuthentication, nhn.HeaderAuthorization, nhn.HeaderRDSAppKey)

	tok, err := s.src.Token(s.ctx)
	if err != nil {
		return err
	}
	s.cloud.RevokeAll()
	seen := rds.instances(s.ctx)
	if errors.Is(seen, errTokenEnded) {
		s.src.Suspect(tok)
	}
	again := rds.instances(s.ctx)
	calls := s.cloud.Counts().TokenCalls - before.TokenCalls
	fmt.Printf("2. authenticator:  110 calls of an SDK that takes one, %d failed, %d tokens or application keys went to a third party; "+
		"the token is revoked: the SDK says %q, the call after Suspect %v; %d reissue\n", failed, leaked, seen, again, calls)
	return check(failed == 0 && leaked == 0 && s.cloud.Counts().Leaked == 0 && errors.Is(seen, errTokenEnded) && again == nil && calls == 1,
		"want 0 failed, 0 leaked, the rejection told, and 1 reissue for the next call")
}

// bearerToken is an SDK that sets the header itself.
func (s *stage) bearerToken() error {
	client := &tokenClient{endpoint: s.cloud.APIURL, auth: nhn.Authenticator{Source: s.src}}
	before := s.cloud.Counts()
	failed := together(100, func(int) error { return client.organizations(s.ctx) })
	after := s.cloud.Counts()
	fmt.Printf("3. bearer token:   100 calls of an SDK that takes the token itself, %d failed, %d accepted, %d token calls\n",
		failed, after.Accepted-before.Accepted, after.TokenCalls-before.TokenCalls)
	return check(failed == 0 && after.Accepted-before.Accepted == 100 && after.TokenCalls == before.TokenCalls, "want 0 failed, with the token there is")
}

// sentTo counts the requests to a server that carried one of these headers.
func (s *stage) sentTo(server string, names ...string) int {
	n := 0
	for _, r := range s.cloud.Requests() {
		if r.Server == server && slices.ContainsFunc(names, func(name string) bool {
			return slices.Contains(r.Headers, http.CanonicalHeaderKey(name))
		}) {
			n++
		}
	}
	return n
}
