// SDK shows authtrip under SDKs that programs already have: gophercloud, which
// NHN Cloud's SDKs for Go are made from, one that takes an authenticator, one
// that retries whatever fails, and one that takes nothing. It runs on real HTTP
// against emulators on loopback: no account, no set-up. Each act prints one
// line, with counts that the servers took; the program exits with 1 when an act
// does not go as it says.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/nhn"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := story(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "sdk:", err)
		os.Exit(1)
	}
}

// stage is an emulated NHN Cloud, an emulated OpenStack beside it, and a Source
// of the former's tokens.
type stage struct {
	ctx   context.Context
	cloud *authtest.NHN
	stack *openStack
	src   *authtrip.Source
}

func newStage(ctx context.Context) (s *stage, end func(), err error) {
	cloud := authtest.NewNHN(authtest.Services())
	stack := newOpenStack()
	// The application key that RDS wants beside the token; of NHN Cloud's own
	// hosts it would be nhn.AppKey("rds-mysql", key).
	options := append(cloud.Options(), nhn.HostHeader(cloud.Service(authtest.RDS), nhn.HeaderRDSAppKey, authtrip.NewSecret("an-app-key")))
	src, err := nhn.NewSource(cloud.Credentials(), options...)
	end = func() {
		_ = src.Close()
		stack.Close()
		cloud.Close()
	}
	return &stage{ctx, cloud, stack, src}, end, err
}

func story(ctx context.Context) error {
	s, end, err := newStage(ctx)
	defer end()
	if err != nil {
		return err
	}
	fmt.Println("an emulated NHN Cloud and an emulated OpenStack on loopback; every figure is counted by them")
	for _, act := range []func() error{s.swappedTransport, s.authenticator, s.bearerToken, s.defaultTransport, s.retries} {
		if err := act(); err != nil {
			return err
		}
	}
	return nil
}

// together calls f n times at once and counts the failures.
func together(n int, f func(int) error) int {
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
