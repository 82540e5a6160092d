package authtrip_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
)

// Two processes, three users, a server and a Store that are slow, a Store that
// fails and conflicts, tokens that end at any time, and callers that log in,
// leave, and invalidate: nothing is redeemed twice, nobody gets another's token,
// and whoever does not log out stays logged in.
func TestI17_NobodyIsLoggedOutByChaos(t *testing.T) {
	for seed := range uint64(4) {
		for _, logouts := range []bool{false, true} {
			t.Run(fmt.Sprintf("seed %d, logouts %v", seed, logouts), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { newChaos(t, seed, logouts).run() })
			})
		}
	}
}

type chaos struct {
	t       *testing.T
	s       *server
	store   *spyStore
	fleet   []*authtrip.Manager
	users   []string
	logouts bool

	mu  sync.Mutex
	rnd *rand.Rand // guarded by mu
}

func newChaos(t *testing.T, seed uint64, logouts bool) *chaos {
	c := &chaos{t: t, s: newServer(), store: newSpyStore(), users: []string{"ann", "bob", "eve"}, logouts: logouts, rnd: rand.New(rand.NewPCG(seed, 7))}
	c.s.lifetime = 20
	c.s.befall(atCall(func() { c.sleep(150 * time.Millisecond) }), nil)
	c.store.breakDown(func(op string) error {
		switch c.roll(12) {
		case 0:
			return errors.New("flaky")
		case 1:
			if op != "load" {
				return authtrip.ErrConflict
			}
		case 2:
			c.sleep(300 * time.Millisecond)
		}
		return nil
	})
	for range 2 {
		c.fleet = append(c.fleet, c.s.manager(t, authtrip.WithPlaintextStore(c.store), authtrip.Policy{MaxTokens: 2}))
	}
	return c
}

func (c *chaos) roll(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rnd.IntN(n)
}

// sleep is in microseconds, for an int may have 32 bits.
func (c *chaos) sleep(most time.Duration) {
	time.Sleep(time.Duration(c.roll(int(most/time.Microsecond))) * time.Microsecond)
}

func (c *chaos) run() {
	t := c.t
	for _, u := range c.users {
		for of(t, c.fleet[0], u).ExchangeCode(t.Context(), c.s.code(u), nil) != nil {
			time.Sleep(time.Second)
		}
	}
	stop := time.Now().Add(3 * time.Minute)
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			for time.Now().Before(stop) {
				c.step()
				c.sleep(3 * time.Second)
			}
		})
	}
	wg.Wait()
	c.store.breakDown(nil)
	settle(2 * time.Minute)
	for _, m := range c.fleet {
		for _, u := range c.users {
			got, err := c.s.whoami(t.Context(), of(t, m, u))
			if got != u && !(c.logouts && errors.Is(err, authtrip.ErrAuthorizationRequired)) {
				t.Errorf("in the end %s is %q, %v", u, got, err)
			}
		}
	}
	for _, m := range c.fleet {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, u := range c.users {
		if strings.Contains(c.store.holds(u), "intent") {
			t.Errorf("the Store still holds %s", c.store.holds(u))
		}
	}
	if c.s.reuses() != 0 {
		t.Errorf("%d codes or refresh tokens were sent twice", c.s.reuses())
	}
	if c.s.callCount() < 20 {
		t.Errorf("%d token calls: it was no chaos", c.s.callCount())
	}
}

// step is what one caller does.
func (c *chaos) step() {
	u, m := c.users[c.roll(len(c.users))], c.fleet[c.roll(len(c.fleet))]
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(1+c.roll(20_000))*time.Millisecond)
	defer cancel()
	src := of(c.t, m, u)
	switch what := c.roll(40); {
	case what == 0:
		_ = src.ExchangeCode(ctx, c.s.code(u), nil)
	case what == 1:
		c.s.endAccess()
	case what == 2:
		if tok, err := src.Token(ctx); err == nil {
			src.Invalidate(tok)
		}
	case what == 3 && c.logouts:
		_ = src.Revoke(ctx)
	default:
		ctx := authtrip.WithPrincipal(ctx, u)
		if k := c.roll(3); k > 0 {
			ctx = authtrip.WithScopes(ctx, fmt.Sprint("s", k))
		}
		got, err := c.s.whoami(ctx, m)
		if err == nil && got != u && got != "Unauthorized" {
			c.t.Errorf("%s got the token of %s", u, got)
		}
		if errors.Is(err, authtrip.ErrAuthorizationRequired) && !c.logouts {
			c.t.Errorf("%s was logged out: %v", u, err)
		}
	}
}
