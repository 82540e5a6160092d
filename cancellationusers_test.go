package authtrip_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
)

// loggedIn is a user whose access token has expired an hour ago.
type loggedIn struct {
	s     *server
	store *spyStore
	m     *authtrip.Manager
	src   *authtrip.Source
}

func newLoggedIn(t *testing.T) *loggedIn {
	u := &loggedIn{s: newServer(), store: newSpyStore()}
	u.m = u.s.manager(t, authtrip.WithPlaintextStore(u.store))
	u.src = of(t, u.m, "ann")
	u.s.login(t, u.src, "ann")
	settle(2 * time.Hour)
	return u
}

// login gives the user new tokens, and expects that they are used.
func (u *loggedIn) login() error {
	if err := u.src.ExchangeCode(context.Background(), u.s.code("ann"), nil); err != nil {
		return err
	}
	if got, err := u.s.whoami(context.Background(), u.src); got != "ann" || err != nil {
		return fmt.Errorf("the API saw %q, %v", got, err)
	}
	return nil
}

// usersCall is a path of a user's, who does something while something hangs.
func usersCall(begin func(*testing.T, *loggedIn, *hang), does func(*testing.T, *loggedIn) path) func(*testing.T, *hang) path {
	return func(t *testing.T, h *hang) path {
		u := newLoggedIn(t)
		p := does(t, u)
		p.close = u.m.Close
		begin(t, u, h)
		return p
	}
}

func atServer(_ *testing.T, u *loggedIn, h *hang) {
	h.set()
	u.s.befall(func(_ int, r *http.Request) error { return h.here(r.Context()) }, nil)
}

func atRevocation(_ *testing.T, u *loggedIn, h *hang) {
	h.set()
	u.s.revoking = func() error { return h.within(10 * time.Second) }
}

func atStore(op string) func(*testing.T, *loggedIn, *hang) {
	return func(_ *testing.T, u *loggedIn, h *hang) {
		h.set()
		u.store.breakDown(func(got string) error {
			if got == op {
				return h.within(time.Second)
			}
			return nil
		})
	}
}

// atTurn has a refresh for another scope under way.
func atTurn(t *testing.T, u *loggedIn, h *hang) {
	atServer(t, u, h)
	go func() {
		ctx := authtrip.WithScopes(authtrip.WithPrincipal(context.Background(), "ann"), "another")
		_, _ = u.s.whoami(ctx, u.m)
	}()
	synctest.Wait()
}

// atIntent has another process say that it redeems the refresh token, and die.
func atIntent(t *testing.T, u *loggedIn, _ *hang) {
	u.store.announce(t, "ann", time.Now().Add(5*time.Second))
}

func exchange(t *testing.T, u *loggedIn) path {
	flow, q := begin(t, u.src)
	callback := url.Values{"state": q["state"], "code": {u.s.code("ann")}}
	return path{call: func(ctx context.Context) error { return u.src.Exchange(ctx, flow, callback) }, next: u.login}
}

func exchangeCode(_ *testing.T, u *loggedIn) path {
	code := u.s.code("ann")
	return path{call: func(ctx context.Context) error { return u.src.ExchangeCode(ctx, code, nil) }, next: u.login}
}

func refresh(_ *testing.T, u *loggedIn) path {
	c := newCaller(u.src)
	return path{call: c.post, next: func() error { return c.stream(context.Background()) }, caller: c}
}

func logout(_ *testing.T, u *loggedIn) path {
	return path{call: u.src.Revoke, next: u.login}
}

// managersRequest is for the other scopes of a user, whom a context names.
func managersRequest(t *testing.T, h *hang) path {
	u := newLoggedIn(t)
	c := newCaller(u.m)
	ann := func(ctx context.Context) context.Context {
		return authtrip.WithScopes(authtrip.WithPrincipal(authtrip.WithRegistration(ctx, "users"), "ann"), "other")
	}
	atServer(t, u, h)
	return path{
		call: func(ctx context.Context) error { return c.post(ann(ctx)) }, next: func() error { return c.post(ann(context.Background())) },
		close: u.m.Close, caller: c,
	}
}

// refreshTokenFunc is the func that gives the refresh token to begin with.
func refreshTokenFunc(t *testing.T, h *hang) path {
	s := newServer()
	s.refresh["given"] = "ann"
	r := user(func(r *authtrip.Registration) {
		r.Grant = authtrip.RefreshToken
		r.AuthorizationEndpoint, r.RedirectURI = authtrip.Endpoint{}, ""
		r.RefreshToken = func(ctx context.Context, _ string) (authtrip.Secret, error) {
			return authtrip.NewSecret("given"), h.here(ctx)
		}
	})
	m := s.managerOf(t, []authtrip.Registration{r})
	c := newCaller(of(t, m, "ann"))
	h.set()
	return path{call: c.get, next: func() error { return c.get(context.Background()) }, close: m.Close, caller: c}
}
