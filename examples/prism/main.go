// Prism shows users' tokens: a login through the authorization page, a service
// call, a refresh, a second user and a logout, on real HTTP against an emulated
// service of a B2B PRISM Live Studio customer on loopback. No account, no
// set-up. Each act prints one line; the program exits with 1 when an act does
// not go as it says.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/prism"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := story(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "prism:", err)
		os.Exit(1)
	}
}

// stage is the emulated service, and an application that calls it for its
// users.
type stage struct {
	ctx     context.Context
	service *authtest.PRISM
	mgr     *authtrip.Manager
	client  *http.Client
}

func story(ctx context.Context) error {
	service := authtest.NewPRISM()
	defer service.Close()
	service.SetRotation(true) // every refresh token is good once

	// The application: one Manager, one client for all users.
	mgr, err := authtrip.NewManager([]authtrip.Registration{prism.Registration(service.Client())}, service.Options()...)
	if err != nil {
		return err
	}
	defer func() { _ = mgr.Close() }()
	client := &http.Client{Timeout: 10 * time.Second}
	client.Transport = &authtrip.Transport{Source: mgr, Base: client.Transport}

	s := &stage{ctx, service, mgr, client}
	fmt.Println("an emulated PRISM customer's service on loopback; every figure is counted by it")
	for _, act := range []func() error{s.login, s.anotherWay, s.refresh, s.codeTwice, s.logout} {
		if err := act(); err != nil {
			return err
		}
	}
	return nil
}

// login sends ann's browser to the page, and takes her callback.
func (s *stage) login() error {
	s.service.SetUser("ann")
	src, err := s.mgr.SourceFor("prism", "ann")
	if err != nil {
		return err
	}
	page, flow, err := src.AuthCodeURL(s.ctx)
	if err != nil {
		return err
	}
	callback, err := browse(s.ctx, page)
	if err != nil {
		return err
	}
	if err := src.Exchange(s.ctx, flow, callback); err != nil {
		return err
	}
	user, err := s.whoami("ann")
	fmt.Printf("1. login:    through the page, with state; the service sees %q, %d token call\n", user, s.service.Counts().TokenCalls)
	return errors.Join(err, check(user == "ann" && s.service.Counts().TokenCalls == 1, "want ann and 1 token call"))
}

// anotherWay is a code that PRISM's own redirect URI received.
func (s *stage) anotherWay() error {
	src, err := s.mgr.SourceFor("prism", "bob")
	if err != nil {
		return err
	}
	if err := src.ExchangeCode(s.ctx, s.service.Code("bob"), nil); err != nil {
		return err
	}
	bob, err := s.whoami("bob")
	ann, err2 := s.whoami("ann")
	fmt.Printf("2. another:  a code that came another way; the service sees %q, and still %q, each with a token of their own\n", bob, ann)
	return errors.Join(err, err2, check(bob == "bob" && ann == "ann", "want bob and ann"))
}

// refresh is all access tokens ending while 50 of ann's requests are made.
func (s *stage) refresh() error {
	before := s.service.Counts()
	s.service.RevokeAll()
	var failed atomic.Int32
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if user, err := s.whoami("ann"); user != "ann" || err != nil {
				failed.Add(1)
			}
		})
	}
	wg.Wait()
	after := s.service.Counts()
	refreshes := after.RefreshCalls - before.RefreshCalls
	fmt.Printf("3. refresh:  the access tokens end, 50 requests at once, %d failed; %d refresh, %d refresh tokens used twice\n",
		failed.Load(), refreshes, after.RefreshTokensReused)
	return check(failed.Load() == 0 && refreshes == 1 && after.RefreshTokensReused == 0, "want 0 failed, 1 refresh, 0 used twice")
}

func (s *stage) codeTwice() error {
	src, err := s.mgr.SourceFor("prism", "eve")
	if err != nil {
		return err
	}
	code := s.service.Code("eve")
	first := src.ExchangeCode(s.ctx, code, nil)
	second := src.ExchangeCode(s.ctx, code, nil)
	fmt.Printf("4. twice:    the same code again:\n   %v\n", second)
	said, ok := errors.AsType[*authtrip.ServerError](second)
	return errors.Join(first, check(ok && said.Code == "invalid_grant", "want invalid_grant"))
}

func (s *stage) logout() error {
	src, err := s.mgr.SourceFor("prism", "ann")
	if err != nil {
		return err
	}
	told := src.Revoke(s.ctx) // PRISM has no revocation endpoint: it ends here
	_, err = s.whoami("ann")
	bob, err2 := s.whoami("bob")
	fmt.Printf("5. logout:   %v\n   ann's next request: %v\n   bob goes on: %q\n", told, err, bob)
	return errors.Join(err2, check(errors.Is(err, authtrip.ErrAuthorizationRequired) && bob == "bob", "want ErrAuthorizationRequired, and bob"))
}

// browse is a browser that is sent to the page, and from there to the
// application, whose callback gets the query.
func browse(ctx context.Context, page string) (url.Values, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, page, nil)
	if err != nil {
		return nil, err
	}
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := browser.Do(req)
	if err != nil {
		return nil, err
	}
	_ = res.Body.Close()
	to, err := res.Location()
	if err != nil {
		return nil, fmt.Errorf("the page answered %s: %w", res.Status, err)
	}
	return to.Query(), nil
}

// whoami asks the service, with the principal's token, whose it is.
func (s *stage) whoami(principal string) (string, error) {
	ctx := authtrip.WithPrincipal(s.ctx, principal)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.service.URL+"/prism/v1/service/user", nil)
	if err != nil {
		return "", err
	}
	res, err := s.client.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	var reply struct {
		Data struct {
			UserID string `json:"userId"`
		} `json:"data"`
	}
	if err := json.NewDecoder(res.Body).Decode(&reply); err != nil {
		return "", err
	}
	return reply.Data.UserID, nil
}

func check(ok bool, want string) error {
	if ok {
		return nil
	}
	return errors.New("this act did not go as it should: " + want)
}
