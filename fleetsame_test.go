package authtrip_test

import (
	"testing"
	"time"

	"github.com/authtrip/authtrip/authtest"
)

// A server that gives the same token again, with the time that is left of it, is
// asked by a fleet no oftener than by one process.
func TestAFleetThatIsGivenTheSameTokenAgainAsksAsOne(t *testing.T) {
	calls := func(n int) (calls int) {
		inFleet(t, n, func(t *testing.T, f *fleet) {
			f.srv.SetLifetime(2 * time.Hour)
			f.srv.Break(authtest.Fault{SameToken: true})
			for began := time.Now(); time.Since(began) < 2*time.Hour-time.Minute; settle(10 * time.Second) {
				for _, m := range f.all {
					m.mustGet()
				}
			}
			calls = f.srv.Counts().TokenCalls
		})
		return calls
	}
	if one, many := calls(1), calls(10); many > one+one/2 {
		t.Errorf("one process makes %d token calls, ten make %d", one, many)
	}
}

// Nor about the end of such a token.
func TestAFleetAsksAsOneAboutTheEndOfATokenThatIsGivenAgain(t *testing.T) {
	inFleet(t, 20, func(t *testing.T, f *fleet) {
		f.srv.SetLifetime(time.Hour)
		f.srv.Break(authtest.Fault{SameToken: true})
		f.mustGetAll()
		settle(time.Hour - 20*time.Second)
		before := f.srv.Counts().TokenCalls
		for began := time.Now(); time.Since(began) < 40*time.Second; settle(100 * time.Millisecond) {
			f.mustGetAll()
		}
		if got := f.srv.Counts().TokenCalls - before; got > 60 {
			t.Errorf("%d token calls in 40 s", got)
		}
	})
}

// Nor when the token is rejected, whatever is done.
func TestI10_AFleetAsksAsOneForARejectedTokenThatIsGivenAgain(t *testing.T) {
	calls := func(n int) (calls int) {
		inFleet(t, n, func(t *testing.T, f *fleet) {
			f.srv.Break(authtest.Fault{SameToken: true})
			for _, m := range f.all {
				m.url = f.srv.APIURL + "/always-401"
			}
			for range 600 {
				for _, m := range f.all {
					if status, err := m.get(); status != 401 || err != nil {
						t.Fatalf("status %d, %v; want 401", status, err)
					}
				}
				settle(time.Second)
			}
			calls = f.srv.Counts().TokenCalls
		})
		return calls
	}
	if one, many := calls(1), calls(20); many > 3*one {
		t.Errorf("one process makes %d token calls, twenty make %d", one, many)
	}
}
