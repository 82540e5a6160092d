package authtrip_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
)

func TestARefreshTokenThatCameAnotherWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		s.refresh["given-1-CANARY"] = "ann"
		given, asked := "given-1-CANARY", 0
		m := s.managerOf(t, []authtrip.Registration{func() authtrip.Registration {
			r := registration()
			r.ID, r.Grant = "users", authtrip.RefreshToken
			r.RefreshToken = func(_ context.Context, principal string) (authtrip.Secret, error) {
				asked++
				switch principal {
				case "ann":
					return authtrip.NewSecret(given), nil
				case "bob":
					return authtrip.Secret{}, nil
				}
				return authtrip.Secret{}, errors.New("no such user")
			}
			return r
		}()}, authtrip.WithPlaintextStore(store))
		src := of(t, m, "ann")
		for range 3 {
			s.mustBe(t, src, "ann")
			settle(time.Hour)
		}
		if asked != 1 || s.reuses() != 0 {
			t.Fatalf("asked %d times, %d reuses; from the first on the Store has it", asked, s.reuses())
		}
		// It ends: the func is asked again, and what it gave before is not tried.
		s.endAll()
		for range 3 {
			if _, err := s.whoami(t.Context(), src); !errors.Is(err, authtrip.ErrAuthorizationRequired) {
				t.Fatalf("%v, want ErrAuthorizationRequired", err)
			}
		}
		calls := s.callCount()
		if calls != 4 || s.reuses() != 0 { // three that succeeded, and the end of the last
			t.Fatalf("%d calls, %d reuses", calls, s.reuses())
		}
		s.refresh["given-2-CANARY"] = "ann"
		given = "given-2-CANARY"
		s.mustBe(t, src, "ann")
		if s.callCount() != calls+1 {
			t.Fatalf("%d calls, want one", s.callCount()-calls)
		}
		if _, err := s.whoami(t.Context(), of(t, m, "bob")); !errors.Is(err, authtrip.ErrAuthorizationRequired) {
			t.Fatalf("%v, want ErrAuthorizationRequired", err)
		}
		_, err := s.whoami(t.Context(), of(t, m, "eve"))
		wantAll(t, err, "RefreshToken: no such user")

		// It ends, and there is another already: nobody notices.
		s.endAll()
		settle(time.Hour)
		s.refresh["given-3-CANARY"] = "ann"
		given = "given-3-CANARY"
		calls = s.callCount()
		s.mustBe(t, src, "ann")
		if s.callCount() != calls+2 {
			t.Fatalf("%d calls, want the refused one and one", s.callCount()-calls)
		}
		// Another that the server does not know either is not followed by more.
		s.endAll()
		settle(time.Hour)
		calls, given = s.callCount(), "given-4-CANARY"
		var said *authtrip.ServerError
		if _, err := s.whoami(t.Context(), src); !errors.Is(err, authtrip.ErrAuthorizationRequired) || !errors.As(err, &said) {
			t.Fatalf("%v, want ErrAuthorizationRequired, and what the server said", err)
		}
		if s.callCount() != calls+2 {
			t.Fatalf("%d calls, want two", s.callCount()-calls)
		}
	})
}

// What a logout ended is not begun again with the token that began it.
func TestALogoutHoldsAlsoWhereTheRefreshTokenCameAnotherWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		s.keeps = true
		s.refresh["given-CANARY"] = "ann"
		m := s.managerOf(t, []authtrip.Registration{user(func(r *authtrip.Registration) {
			r.RevocationEndpoint.URL = "" // the server is not told
			r.RefreshToken = func(context.Context, string) (authtrip.Secret, error) {
				return authtrip.NewSecret("given-CANARY"), nil
			}
		})})
		src := of(t, m, "ann")
		s.mustBe(t, src, "ann")
		wantAll(t, src.Revoke(t.Context()), "the server was not told")
		if _, err := s.whoami(t.Context(), src); !errors.Is(err, authtrip.ErrAuthorizationRequired) {
			t.Fatalf("%v, want ErrAuthorizationRequired", err)
		}
	})
}

// Whether it was used before or not, and whether the server replaced it or not.
func TestRevokeEndsARefreshTokenThatCameAnotherWay(t *testing.T) {
	for _, used := range []bool{false, true} {
		for _, keeps := range []bool{false, true} {
			t.Run(fmt.Sprintf("used %v, keeps %v", used, keeps), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newServer()
					s.keeps = keeps
					src := of(t, s.managerOf(t, []authtrip.Registration{given(s, "given-CANARY")}), "ann")
					if used {
						s.mustBe(t, src, "ann")
					}
					live := s.live("ann")
					if err := src.Revoke(t.Context()); err != nil || !strings.HasPrefix(strings.Join(s.revoked, " "), "refresh_token:"+live) {
						t.Fatalf("%v; the server was told %q", err, s.revoked)
					}
					calls := s.callCount()
					for range 2 {
						if got, err := s.whoami(t.Context(), src); !errors.Is(err, authtrip.ErrAuthorizationRequired) {
							t.Fatalf("%q, %v; want ErrAuthorizationRequired", got, err)
						}
						settle(30 * 24 * time.Hour) // however long ago it was
					}
					if s.callCount() != calls {
						t.Fatalf("%d calls for a login that was ended", s.callCount()-calls)
					}
				})
			})
		}
	}
}

// Such a grant knows neither AuthCodeURL nor Exchange.
func TestAUserWithoutARefreshTokenIsToldWhatHelps(t *testing.T) {
	s := newServer()
	_, err := s.whoami(t.Context(), of(t, s.managerOf(t, []authtrip.Registration{given(s, "")}), "ann"))
	wantAll(t, err, `"users"`, "the user must grant access")
	if strings.Contains(err.Error(), "AuthCodeURL") {
		t.Fatalf("%v", err)
	}
}

// given is the registration of refresh tokens that come another way: ann's.
func given(s *server, token string) authtrip.Registration {
	if token != "" {
		s.refresh[token] = "ann"
	}
	r := registration()
	r.ID, r.Grant = "users", authtrip.RefreshToken
	r.RevocationEndpoint.URL = "https://auth.example/revoke"
	r.RefreshToken = func(context.Context, string) (authtrip.Secret, error) { return authtrip.NewSecret(token), nil }
	return r
}
