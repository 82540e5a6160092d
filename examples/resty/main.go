// Resty shows authtrip under a Resty v2 client, on real HTTP against an
// emulator of NHN Cloud on loopback: no account and no set-up. Each act prints
// one line, with counts that the servers took; the program exits with 1 when an
// act does not go as it says.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/middleware"
	"github.com/authtrip/authtrip/nhn"
	"github.com/go-resty/resty/v2"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := story(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "resty:", err)
		os.Exit(1)
	}
}

// stage is the emulator, a Source of its tokens, and a client that has them.
type stage struct {
	ctx    context.Context
	cloud  *authtest.NHN
	src    *authtrip.Source
	client *resty.Client
}

func story(ctx context.Context) error {
	cloud := authtest.NewNHN(authtest.Services())
	defer cloud.Close()
	src, err := nhn.NewSource(cloud.Credentials(), cloud.Options()...)
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }()

	// These three lines are all that a program needs.
	client := resty.New().SetBaseURL(cloud.APIURL).SetTimeout(10 * time.Second)
	if err := middleware.Install(client, src); err != nil {
		return err
	}

	s := &stage{ctx, cloud, src, client}
	fmt.Println("Resty v2 and an emulated NHN Cloud on loopback; every figure is counted by its servers")
	return errors.Join(s.coldStart(), s.revocation(), s.debugLog(), s.thirdParty(), s.ownRetry(), s.outage())
}

func (s *stage) coldStart() error {
	failed := together(100, func() error {
		return ok(s.client.R().SetContext(s.ctx).Get("/v1/organizations"))
	})
	calls := s.cloud.Counts().TokenCalls
	fmt.Printf("1. cold start:   100 requests at once, %d failed, %d token call\n", failed, calls)
	return check(failed == 0 && calls == 1, "want 0 failed and 1 token call")
}

func (s *stage) revocation() error {
	before := s.cloud.Counts()
	s.cloud.RevokeAll()
	failed := together(50, func() error {
		var answer struct {
			Method string `json:"method"`
			Length int    `json:"length"`
		}
		err := ok(s.client.R().SetContext(s.ctx).SetBody(map[string]string{"name": "x"}).SetResult(&answer).Post("/v1/projects"))
		if err == nil && (answer.Method != http.MethodPost || answer.Length != len(`{"name":"x"}`)) {
			err = fmt.Errorf("the server got %d bytes", answer.Length)
		}
		return err
	})
	after := s.cloud.Counts()
	fmt.Printf("2. revocation:   the server revokes the token and rejects %d of 50 POSTs; %d reissue, each is sent again whole, %d failed\n",
		after.Rejected-before.Rejected, after.TokenCalls-before.TokenCalls, failed)
	return check(failed == 0 && after.TokenCalls-before.TokenCalls == 1 && after.Rejected > before.Rejected, "want 0 failed, 1 reissue and some rejected")
}

func (s *stage) debugLog() error {
	var log strings.Builder
	err := ok(s.client.R().SetContext(s.ctx).SetDebug(true).SetLogger(writer{&log}).Get("/v1/organizations"))
	tok, tokErr := s.src.Token(s.ctx)
	shown := strings.Contains(log.String(), tok.AccessToken())
	fmt.Printf("3. debug log:    %d bytes of it, the token in it: %v\n", log.Len(), shown)
	return errors.Join(err, tokErr, check(!shown && log.Len() > 0, "want a log without the token"))
}

func (s *stage) thirdParty() error {
	err := ok(s.client.R().SetContext(s.ctx).Get(s.cloud.ThirdPartyURL + "/"))
	leaked := s.cloud.Counts().Leaked
	fmt.Printf("4. third party:  a customer's host under the same domain is called; %d requests brought it the token\n", leaked)
	return errors.Join(err, check(leaked == 0, "want none"))
}

// ownRetry is a client that attaches only, and leaves the rest to Resty.
func (s *stage) ownRetry() error {
	client := resty.New().SetBaseURL(s.cloud.APIURL).
		OnBeforeRequest(middleware.BeforeRequest(s.src)).
		SetRetryCount(1).AddRetryCondition(middleware.RetryRejected)
	s.cloud.RevokeAll()
	res, err := client.R().SetContext(s.ctx).Get("/v1/organizations")
	if err := ok(res, err); err != nil {
		return err
	}
	fmt.Printf("5. own retry:    a client with the hook and Resty's retry; status %d in try %d\n", res.StatusCode(), res.Request.Attempt)
	return check(res.Request.Attempt == 2, "want 2 tries")
}

func (s *stage) outage() error {
	s.cloud.Break(authtest.Fault{Status: http.StatusServiceUnavailable})
	if err := s.src.Revoke(s.ctx); err != nil {
		return err
	}
	before := s.cloud.Counts()
	client := s.client.Clone().SetLogger(writer{new(strings.Builder)}).
		SetRetryCount(50).SetRetryWaitTime(time.Millisecond).SetRetryMaxWaitTime(5 * time.Millisecond)
	r := client.R().SetContext(s.ctx)
	_, err := r.Get("/v1/organizations")
	calls := s.cloud.Counts().TokenCalls - before.TokenCalls
	fmt.Printf("6. outage:       no token and no authorization server; Resty tries %d times, which makes %d token calls\n   %v\n", r.Attempt, calls, err)
	return check(errors.Is(err, authtrip.ErrCircuitOpen) && r.Attempt == 51 && calls <= 6, "want 51 tries, ErrCircuitOpen and 6 calls at most")
}

// together calls f n times at once and counts the failures.
func together(n int, f func() error) int {
	var failed atomic.Int32
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if f() != nil {
				failed.Add(1)
			}
		})
	}
	wg.Wait()
	return int(failed.Load())
}

// ok takes any answer but a success for an error.
func ok(res *resty.Response, err error) error {
	if err == nil && !res.IsSuccess() {
		err = fmt.Errorf("status %s", res.Status())
	}
	return err
}

func check(ok bool, want string) error {
	if ok {
		return nil
	}
	return errors.New("this act did not go as it should: " + want)
}

// writer is a Resty logger that keeps what it is told.
type writer struct{ *strings.Builder }

func (w writer) Errorf(format string, v ...any) { fmt.Fprintf(w, format, v...) }
func (w writer) Warnf(format string, v ...any)  { fmt.Fprintf(w, format, v...) }
func (w writer) Debugf(format string, v ...any) { fmt.Fprintf(w, format, v...) }
