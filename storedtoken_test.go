package authtrip_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
)

func TestI17_ATokenThatWasGivenUpDoesNotComeBackFromTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		src := of(t, s.manager(t), "ann")
		s.login(t, src, "ann")
		first, err := src.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		src.Invalidate(first)
		second, err := src.Token(t.Context())
		if err != nil || second.AccessToken() == first.AccessToken() {
			t.Fatalf("%v, or the same token again", err)
		}
	})
}

// What another process put into the Store may have ended with the token that
// was rejected here: to use it is no reissue that did not help.
func TestI17_ATokenOfTheStoreThatIsRejectedTooIsReplacedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		one, two := of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann"), of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann")
		s.login(t, one, "ann")
		s.mustBe(t, two, "ann")
		settle(time.Second)
		tok, err := two.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		two.Invalidate(tok)
		s.mustBe(t, two, "ann") // a newer one, which is in the Store
		s.endAccess()
		if got, err := s.whoami(t.Context(), one); got != "Unauthorized" || err != nil {
			t.Fatalf("%q, %v; want the second rejection", got, err)
		}
		s.mustBe(t, one, "ann")
		if s.callCount() != 3 || s.reuses() != 0 {
			t.Fatalf("%d calls, %d reuses", s.callCount(), s.reuses())
		}
	})
}

func TestATokenWithoutARefreshTokenIsKeptInTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		s.noRefresh = true
		m := s.manager(t, authtrip.WithPlaintextStore(store), authtrip.Policy{MaxTokens: 2})
		s.login(t, of(t, m, "ann"), "ann")
		for i := range 10 {
			s.login(t, of(t, m, fmt.Sprint(i)), fmt.Sprint(i)) // ann's entry is forgotten
		}
		s.mustBe(t, of(t, m, "ann"), "ann")
		s.mustBe(t, of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann"), "ann") // after a restart
		if s.callCount() != 11 {
			t.Fatalf("%d calls", s.callCount())
		}
		// It is good for its own scopes only.
		ctx := authtrip.WithScopes(authtrip.WithPrincipal(t.Context(), "ann"), "admin")
		if _, err := s.whoami(ctx, m); !errors.Is(err, authtrip.ErrAuthorizationRequired) {
			t.Fatalf("%v, want ErrAuthorizationRequired", err)
		}
		settle(time.Hour - time.Second)
		for _, m := range []*authtrip.Manager{m, s.manager(t, authtrip.WithPlaintextStore(store))} {
			_, err := s.whoami(t.Context(), of(t, m, "ann"))
			if m != nil && err != nil && !errors.Is(err, authtrip.ErrAuthorizationRequired) {
				t.Fatalf("%v, want ErrAuthorizationRequired", err)
			}
		}
		settle(time.Second)
		for _, m := range []*authtrip.Manager{m, s.manager(t, authtrip.WithPlaintextStore(store))} {
			if _, err := s.whoami(t.Context(), of(t, m, "ann")); !errors.Is(err, authtrip.ErrAuthorizationRequired) {
				t.Fatalf("%v, want ErrAuthorizationRequired", err)
			}
		}
		if got := store.holds("ann"); !strings.Contains(got, authtrip.ErrNotFound.Error()) {
			t.Fatalf("the Store still holds %s", got)
		}
	})
}

// The Store says until when a token may be used, and not until when the server
// takes it: who finds it there keeps the same distance as who put it there.
func TestI04_AStoredTokenIsUsedNoLongerThanItsFirstUserWould(t *testing.T) {
	const good, over = 53 * time.Second, 54 * time.Second // of 60 s a tenth is kept free
	for name, befall := range map[string]func(*server){
		"at once":        func(*server) {},
		"a slow answer":  func(s *server) { s.befall(nil, slowly(9*time.Second)) },
		"a slow request": func(s *server) { s.befall(slowly(9*time.Second), nil) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, store := newServer(), newSpyStore()
				s.noRefresh, s.lifetime = true, 60
				befall(s)
				start := time.Now()
				one, two := of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann"), of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann")
				s.login(t, one, "ann")
				settle(good - time.Since(start))
				s.mustBe(t, one, "ann")
				s.mustBe(t, two, "ann") // finds it late
				for i, src := range []*authtrip.Source{one, two} {
					tok, err := src.Token(t.Context())
					if off := tok.Expiry().Sub(start.Add(over)).Abs(); err != nil || off > time.Millisecond {
						t.Fatalf("process %d: %v; its Expiry is off by %v", i+1, err, off)
					}
				}
				settle(over - time.Since(start))
				for i, src := range []*authtrip.Source{one, two} {
					if _, err := src.Token(t.Context()); !errors.Is(err, authtrip.ErrAuthorizationRequired) {
						t.Fatalf("process %d: %v, want ErrAuthorizationRequired", i+1, err)
					}
				}
			})
		})
	}
}

func TestI17_ARejectedTokenThatIsAllThereIsEndsTheLogin(t *testing.T) {
	for name, reply := range map[string]func(map[string]any){
		"no lifetime": func(f map[string]any) { delete(f, "expires_in") }, "an hour": nil,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, store := newServer(), newSpyStore()
				s.noRefresh, s.reply = true, reply
				src := of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann")
				s.login(t, src, "ann")
				s.mustBe(t, src, "ann")
				s.endAccess()
				for range 5 {
					got, err := s.whoami(t.Context(), src)
					if errors.Is(err, authtrip.ErrAuthorizationRequired) {
						store.wantEnded(t, "ann")
						return
					}
					if got != "Unauthorized" || err != nil {
						t.Fatalf("the API saw %q, %v", got, err)
					}
					settle(10 * time.Second)
				}
				t.Fatal("a minute of 401s, and nothing says that the user must log in again")
			})
		})
	}
}

// One odd 401 takes nobody's login.
func TestI17_ATokenThatIsAllThereIsAndWorksAgainIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		s.noRefresh = true
		src := of(t, s.manager(t), "ann")
		s.login(t, src, "ann")
		odd, api := true, s.api()
		client := &http.Client{Transport: &authtrip.Transport{Source: src, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if odd {
				odd = false
				return jsonReply(r, 401, nil), nil
			}
			return api.RoundTrip(r)
		})}}
		for _, want := range []int{401, 200, 200} {
			res, err := client.Get("https://api.example/")
			if err != nil || res.StatusCode != want {
				t.Fatalf("%v, %v; want %d", res, err, want)
			}
			_ = res.Body.Close()
			settle(10 * time.Second)
		}
	})
}

func TestInvalidateDropsATokenThatIsAllThereIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		s.noRefresh = true
		src := of(t, s.manager(t), "ann")
		s.login(t, src, "ann")
		tok, err := src.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		src.Invalidate(tok)
		if _, err := src.Token(t.Context()); !errors.Is(err, authtrip.ErrAuthorizationRequired) {
			t.Fatalf("%v, want ErrAuthorizationRequired", err)
		}
	})
}

func TestI04_ATokenOfTheStoreThatExpiredIsNotTakenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		s.login(t, of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann"), "ann")
		settle(time.Hour)
		s.mustBe(t, of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann"), "ann")
		if s.callCount() != 2 {
			t.Fatalf("%d calls, want a refresh", s.callCount())
		}
	})
}

// Who needs no call need not wait for one that another makes.
func TestI17_ATokenOfTheStoreIsTakenUpWhileAnotherRedeems(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		s.login(t, of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann"), "ann")
		store.announce(t, "ann", time.Now().Add(20*time.Second))
		start := time.Now()
		s.mustBe(t, of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann"), "ann")
		if took := time.Since(start); took != 0 || s.callCount() != 1 {
			t.Fatalf("it waited %v and made %d calls", took, s.callCount()-1)
		}
	})
}
