// Quickstart shows what authtrip does, on real HTTP against an emulator of NHN
// Cloud on loopback: no account and no set-up. Each act prints one line, with
// counts that the servers took; the program exits with 1 when an act does not
// go as it says.
//
// With NHN Cloud credentials in the environment, -live lists your
// organizations instead.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/nhn"
)

func main() {
	live := flag.Bool("live", false, "call NHN Cloud itself, with credentials from the environment")
	flag.Parse()
	show := story
	if *live {
		show = organizations
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := show(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

// organizations is all that a program needs to call NHN Cloud.
func organizations(ctx context.Context) error {
	creds, err := nhn.CredentialsFromEnv()
	if err != nil {
		return err
	}
	client, err := nhn.NewClient(creds)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://core.api.nhncloudservice.com/v1/organizations", nil)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	fmt.Println(res.Status)
	if _, err := io.Copy(os.Stdout, res.Body); err != nil {
		return err
	}
	fmt.Println()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("NHN Cloud answered %s", res.Status)
	}
	return nil
}

// stage is the emulator, and a client around it.
type stage struct {
	ctx    context.Context
	cloud  *authtest.NHN
	client *http.Client
}

func story(ctx context.Context) error {
	cloud := authtest.NewNHN()
	defer cloud.Close()
	src, err := nhn.NewSource(cloud.Credentials(), cloud.Options()...)
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }()

	// An http.Client that exists is wrapped in one line.
	client := &http.Client{Timeout: 10 * time.Second, Transport: cloud.Transport()}
	client.Transport = &authtrip.Transport{Source: src, Base: client.Transport}

	s := &stage{ctx, cloud, client}
	fmt.Println("an emulated NHN Cloud on loopback; every figure is counted by its servers")
	return errors.Join(s.coldStart(), s.revocation(), s.outage(), s.openCircuit(), s.recovery())
}

// get sends one request; any answer but 200 is an error.
func (s *stage) get() error {
	req, err := http.NewRequestWithContext(s.ctx, http.MethodGet, s.cloud.APIURL+"/v1/organizations", nil)
	if err != nil {
		return err
	}
	res, err := s.client.Do(req)
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

func (s *stage) coldStart() error {
	const callers = 100
	failed := s.together(callers, func() error { return s.get() })
	calls := s.cloud.Counts().TokenCalls
	fmt.Printf("1. cold start:  %d callers at once, %d failed, %d token call\n", callers, failed, calls)
	return check(failed == 0 && calls == 1, "want 0 failed and 1 token call")
}

func (s *stage) revocation() error {
	before := s.cloud.Counts()
	var sent, failed atomic.Int32
	revoked := make(chan struct{})
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			for after := 0; after < 20; { // each goes on well past the revocation
				if sent.Add(1); s.get() != nil {
					failed.Add(1)
				}
				select {
				case <-revoked:
					after++
				default:
				}
			}
		})
	}
	for s.cloud.Counts().Accepted < before.Accepted+200 && failed.Load() == 0 && s.ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	s.cloud.RevokeAll()
	close(revoked)
	wg.Wait()
	after := s.cloud.Counts()
	reissues, rejected := after.TokenCalls-before.TokenCalls, after.Rejected-before.Rejected
	fmt.Printf("2. revocation:  %d requests from 50 workers, the server revokes the token meanwhile and rejects %d; %d reissue, %d failed\n",
		sent.Load(), rejected, reissues, failed.Load())
	return check(failed.Load() == 0 && reissues == 1 && rejected > 0, "want 1 reissue, 0 failed and some rejected")
}

func (s *stage) outage() error {
	// A token that lives 4 seconds, and then an authorization server that is
	// down: requests go on.
	s.cloud.SetLifetime(4 * time.Second)
	s.cloud.RevokeAll()
	if err := s.get(); err != nil {
		return err
	}
	before := s.cloud.Counts()
	s.cloud.Break(authtest.Fault{Reset: true})
	sent, failed := 0, 0
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if sent++; s.get() != nil {
			failed++
		}
	}
	calls := s.cloud.Counts().TokenCalls - before.TokenCalls
	fmt.Printf("3. outage:      the authorization server is down; %d requests with the valid token, %d failed, %d attempts to renew behind them\n",
		sent, failed, calls)
	return check(failed == 0 && calls > 0, "want 0 failed and some attempts")
}

func (s *stage) openCircuit() error {
	time.Sleep(time.Second) // the token expires
	var err error
	for err = s.get(); err != nil && !errors.Is(err, authtrip.ErrCircuitOpen) && s.ctx.Err() == nil; err = s.get() {
	}
	before := s.cloud.Counts().TokenCalls
	var took []time.Duration
	failed := 0
	for range 200 {
		start := time.Now()
		if e := s.get(); errors.Is(e, authtrip.ErrCircuitOpen) {
			err = e
			failed++
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	calls := s.cloud.Counts().TokenCalls - before
	fmt.Printf("4. open:        the token has expired; of 200 callers %d fail at once (median %v), %d token calls\n   %v\n",
		failed, took[100], calls, err)
	return check(failed >= 199 && calls <= 1, "want all failed with ErrCircuitOpen, but a probe")
}

func (s *stage) recovery() error {
	s.cloud.Heal()
	before := s.cloud.Counts()
	start := time.Now()
	err := s.get()
	for err != nil && s.ctx.Err() == nil {
		if wait, ok := authtrip.RetryAfter(err); ok {
			time.Sleep(wait)
		}
		err = s.get()
	}
	waited := time.Since(start)
	failed := s.together(100, s.get)
	calls := s.cloud.Counts().TokenCalls - before.TokenCalls
	fmt.Printf("5. recovery:    the server is back; served again after %v, 100 more callers, %d failed, %d token call\n",
		waited.Round(100*time.Millisecond), failed, calls)
	return errors.Join(err, check(failed == 0 && calls == 1, "want 0 failed and 1 token call"))
}

// together calls f n times at once and counts the failures.
func (s *stage) together(n int, f func() error) int {
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

func check(ok bool, want string) error {
	if ok {
		return nil
	}
	return errors.New("this act did not go as it should: " + want)
}
