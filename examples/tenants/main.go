// Tenants shows many registrations over one http.Client: several NHN Cloud
// accounts and a PRISM customer's users in one Manager, the choice by the
// request's context, and what one tenant's trouble costs the others. It runs on
// real HTTP against emulators on loopback: no account, no set-up. Each act
// prints one line; the program exits with 1 when an act does not go as it says.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/nhn"
	"github.com/authtrip/authtrip/prism"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := story(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "tenants:", err)
		os.Exit(1)
	}
}

// stage is two emulators, and one client for all tenants and users.
type stage struct {
	ctx     context.Context
	cloud   *authtest.NHN
	service *authtest.PRISM
	mgr     *authtrip.Manager
	client  *http.Client
}

func story(ctx context.Context) error {
	cloud := authtest.NewNHN(authtest.Services())
	defer cloud.Close()
	service := authtest.NewPRISM()
	defer service.Close()

	// Three accounts at one authorization server, so that they share a circuit
	// breaker, and users at another.
	var registrations []authtrip.Registration
	for _, id := range []string{"seoul", "tokyo", "wrong-secret"} {
		r := nhn.Registration(cloud.Credentials(), cloud.Options()...)
		r.ID = id
		if id == "wrong-secret" {
			r.ClientSecret = authtrip.NewSecret("a secret of last year")
		}
		registrations = append(registrations, r)
	}
	registrations = append(registrations, prism.Registration(service.Client()))
	mgr, err := authtrip.NewManager(registrations)
	if err != nil {
		return err
	}
	defer func() { _ = mgr.Close() }()
	client := &http.Client{Timeout: 10 * time.Second}
	client.Transport = &authtrip.Transport{Source: mgr, Base: client.Transport}

	s := &stage{ctx, cloud, service, mgr, client}
	fmt.Println("an emulated NHN Cloud and an emulated PRISM customer on loopback; every figure is counted by them")
	for _, act := range []func() error{s.tenants, s.envelope, s.wrongSecret, s.thirdParty, s.users, s.unknown} {
		if err := act(); err != nil {
			return err
		}
	}
	return nil
}

// tenants is 100 requests of two tenants at once.
func (s *stage) tenants() error {
	failed := s.together(100, func(i int) error {
		return s.get(authtrip.WithRegistration(s.ctx, []string{"seoul", "tokyo"}[i%2]), s.cloud.APIURL+"/v1/organizations")
	})
	calls := s.cloud.Counts().TokenCalls
	fmt.Printf("1. tenants:      100 requests of 2 tenants at once, %d failed, %d token calls\n", failed, calls)
	return check(failed == 0 && calls == 2, "want 0 failed and 2 token calls")
}

// envelope is services that answer 200 to a token that has ended.
func (s *stage) envelope() error {
	before := s.cloud.Counts()
	s.cloud.RevokeAll()
	failed := s.together(100, func(i int) error {
		services := []authtest.Service{authtest.Framework, authtest.Partner, authtest.APIGateway}
		return s.get(authtrip.WithRegistration(s.ctx, "seoul"), s.cloud.Service(services[i%3])+"/v1/things")
	})
	after := s.cloud.Counts()
	fmt.Printf("2. envelope:     the token has ended, services say so with HTTP 200, %d times; %d of 100 callers saw it, %d reissue\n",
		after.Rejected-before.Rejected, failed, after.TokenCalls-before.TokenCalls)
	return check(failed == 0 && after.TokenCalls-before.TokenCalls == 1, "want 0 failed and 1 reissue")
}

// wrongSecret is one tenant that the server refuses, beside one that it does
// not.
func (s *stage) wrongSecret() error {
	before := s.cloud.Counts().TokenCalls
	var last atomic.Value
	refused := s.together(50, func(int) error {
		err := s.get(authtrip.WithRegistration(s.ctx, "wrong-secret"), s.cloud.APIURL)
		if err != nil {
			last.Store(err.Error())
		}
		return err
	})
	failed := s.together(50, func(int) error { return s.get(authtrip.WithRegistration(s.ctx, "seoul"), s.cloud.APIURL) })
	calls := s.cloud.Counts().TokenCalls - before
	fmt.Printf("3. wrong secret: %d of 50 requests of that tenant are refused, %d token call; %d of 50 of another tenant failed\n   %v\n",
		refused, calls, failed, last.Load())
	return check(refused == 50 && failed == 0 && calls == 1, "want 50 refused after 1 token call, and 0 failed")
}

// thirdParty is a customer's API under the cloud's own domain, so to say.
func (s *stage) thirdParty() error {
	err := s.get(authtrip.WithRegistration(s.ctx, "seoul"), s.cloud.ThirdPartyURL+"/stage")
	leaked := s.cloud.Counts().Leaked
	fmt.Printf("4. third party:  a request to a host that is not listed goes through, %d tokens were sent to it\n", leaked)
	return errors.Join(err, check(leaked == 0, "want 0 tokens"))
}

// users is two users of the PRISM customer's service, over the same client.
func (s *stage) users() error {
	for _, user := range []string{"ann", "bob"} {
		src, err := s.mgr.SourceFor("prism", user)
		if err != nil {
			return err
		}
		if err := src.ExchangeCode(s.ctx, s.service.Code(user), nil); err != nil {
			return err
		}
	}
	failed := s.together(100, func(i int) error {
		ctx := authtrip.WithPrincipal(authtrip.WithRegistration(s.ctx, "prism"), []string{"ann", "bob"}[i%2])
		return s.get(ctx, s.service.URL+"/prism/v1/service/user")
	})
	calls := s.service.Counts().TokenCalls
	fmt.Printf("5. users:        100 requests for 2 users of a PRISM customer, %d failed, %d codes redeemed\n", failed, calls)
	return check(failed == 0 && calls == 2, "want 0 failed and 2 token calls")
}

// unknown is requests that name no tenant, or one that is not there.
func (s *stage) unknown() error {
	one := s.get(s.ctx, s.cloud.APIURL)
	two := s.get(authtrip.WithRegistration(s.ctx, "osaka"), s.cloud.APIURL)
	fmt.Printf("6. unknown:      %v\n                 %v\n", one, two)
	return check(one != nil && two != nil && strings.Contains(two.Error(), `"seoul", "tokyo"`), "want errors that list the tenants")
}

// get sends one request; any answer but a good one is an error.
func (s *stage) get(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK || strings.Contains(string(body), `"isSuccessful":false`) {
		return fmt.Errorf("%s: %s", res.Status, body)
	}
	return nil
}

// together calls f n times at once and counts the failures.
func (s *stage) together(n int, f func(int) error) int {
	var failed atomic.Int32
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if f(i) != nil {
				failed.Add(1)
			}
		})
	}
	wg.Wait()
	return int(failed.Load())
}

func check(ok bool, want string) error {
	if ok {
		return nil
	}
	return errors.New("this act did not go as it should: " + want)
}
