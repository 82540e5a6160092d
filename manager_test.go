package authtrip_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
)

func TestAnUnknownRegistrationIsAnErrorThatListsTheKnown(t *testing.T) {
	s := newServer()
	m := s.managerOf(t, []authtrip.Registration{user(), registration()})
	_, one := m.Source("payments")
	_, two := m.SourceFor("payments", "ann")
	_, three := s.whoami(authtrip.WithRegistration(t.Context(), "payments"), m)
	for _, err := range []error{one, two, three} {
		wantAll(t, err, `no registration "payments"`, `"test", "users"`)
	}
	_, err := s.whoami(t.Context(), m)
	wantAll(t, err, "several registrations", "WithRegistration", `"test", "users"`)

	var many []authtrip.Registration
	for i := range 1000 {
		r := registration()
		r.ID = fmt.Sprintf("tenant-%03d", i)
		many = append(many, r)
	}
	_, err = s.managerOf(t, many).Source("x")
	wantAll(t, err, `"tenant-019"`, "and 980 more")
	if len(err.Error()) > 500 {
		t.Errorf("the error has %d characters", len(err.Error()))
	}
}

func TestTheContextChoosesTheToken(t *testing.T) {
	s := newServer()
	m := s.managerOf(t, []authtrip.Registration{user(), user(func(r *authtrip.Registration) { r.ID = "others" })})
	for id, principal := range map[string]string{"users": "ann", "others": "zoe"} {
		src, err := m.SourceFor(id, principal)
		if err != nil {
			t.Fatal(err)
		}
		s.login(t, src, principal)
	}
	s.login(t, of(t, m, "bob"), "bob")
	ctx := authtrip.WithRegistration(t.Context(), "users")
	for want, ctx := range map[string]context.Context{
		"ann": authtrip.WithPrincipal(ctx, "ann"), "bob": authtrip.WithPrincipal(ctx, "bob"),
		"zoe": authtrip.WithRegistration(authtrip.WithPrincipal(ctx, "zoe"), "others"),
	} {
		if got, err := s.whoami(ctx, m); got != want || err != nil {
			t.Errorf("the API saw %q, %v; want %q", got, err, want)
		}
	}
	for name, ctx := range map[string]context.Context{
		"nobody":                ctx,
		"a stranger":            authtrip.WithPrincipal(ctx, "eve"),
		"at the other":          authtrip.WithRegistration(authtrip.WithPrincipal(ctx, "ann"), "others"),
		"a principal like ours": authtrip.WithPrincipal(ctx, "ann "),
	} {
		if got, err := s.whoami(ctx, m); !errors.Is(err, authtrip.ErrAuthorizationRequired) {
			t.Errorf("%s: the API saw %q, %v; want ErrAuthorizationRequired", name, got, err)
		}
	}
	// A Source has made its choice.
	src := of(t, m, "bob")
	if got, _ := s.whoami(authtrip.WithPrincipal(t.Context(), "ann"), src); got != "bob" {
		t.Errorf("the API saw %q with bob's Source", got)
	}
}

func TestScopesArePartOfATokensKey(t *testing.T) {
	calls := 0
	r := registration()
	r.Scopes = []string{"read", "write"}
	m, err := authtrip.NewManager([]authtrip.Registration{r}, authtrip.WithTokenTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
		calls++
		_ = r.ParseForm()
		return jsonReply(r, 200, map[string]any{"access_token": "for:" + strings.ReplaceAll(r.Form.Get("scope"), " ", "+"), "expires_in": 3600}), nil
	})))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	var used string
	client := &http.Client{Transport: &authtrip.Transport{Source: m, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
		used = r.Header.Get("Authorization")
		return jsonReply(r, 200, nil), nil
	})}}
	ctx := t.Context()
	for range 2 {
		for _, c := range []struct {
			ctx  context.Context
			want string
		}{
			{ctx, "read+write"},
			{authtrip.WithScopes(ctx), "read+write"},
			{authtrip.WithScopes(ctx, "write", "read", "read"), "read+write"},
			{authtrip.WithPrincipal(ctx, "ann"), "read+write"}, // the client's token is nobody's
			{authtrip.WithScopes(ctx, "admin"), "admin"},
			{authtrip.WithPrincipal(authtrip.WithScopes(ctx, "admin"), "ann"), "admin"},
			{authtrip.WithScopes(ctx, "read", "admin"), "admin+read"},
			{authtrip.WithScopes(ctx, "admin", "read"), "admin+read"},
			{authtrip.WithScopes(authtrip.WithScopes(ctx, "admin")), "read+write"},
		} {
			req, _ := http.NewRequestWithContext(c.ctx, http.MethodGet, "https://api.example/", nil)
			res, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if used != "Bearer for:"+c.want {
				t.Errorf("used %q, want the one for %s", used, c.want)
			}
		}
	}
	if calls != 3 {
		t.Errorf("%d calls for three sets of scopes", calls)
	}
}

func TestAPrincipalMayHoldAnyBytes(t *testing.T) {
	s := newServer()
	m := s.managerOf(t, []authtrip.Registration{user(), user(func(r *authtrip.Registration) { r.ID = "users/ann" }), user(func(r *authtrip.Registration) { r.ID = "users\x00\x02" })})
	type who struct{ id, principal string }
	all := []who{
		{"users", ""}, {"users", "ann"}, {"users", "ann/"}, {"users", "ANN"}, {"users", "ann/bob"}, {"users/ann", "bob"}, {"users/ann", ""},
		{"users", "\x00"}, {"users", "\x00\x02"}, {"users", "\x00\x01"}, {"users\x00\x02", ""}, {"users", "%00"}, {"users", "\xff\xfe"}, {"users", "\xff"},
		{"users", "안"}, {"users", "a b"}, {"users", "a+b"}, {"users", "a%20b"}, {"users", "../ann"}, {"users", strings.Repeat("x", 100_000)}, {"users", "\n"},
	}
	for i, w := range all {
		src, err := m.SourceFor(w.id, w.principal)
		if err != nil {
			t.Fatal(err)
		}
		s.login(t, src, fmt.Sprint("user-", i))
	}
	for i, w := range all {
		src, _ := m.SourceFor(w.id, w.principal)
		s.mustBe(t, src, fmt.Sprint("user-", i))
		ctx := authtrip.WithPrincipal(authtrip.WithRegistration(t.Context(), w.id), w.principal)
		if got, err := s.whoami(ctx, m); got != fmt.Sprint("user-", i) || err != nil {
			t.Errorf("%.30q: the API saw %q, %v", w, got, err)
		}
	}
	s.endAccess() // and from the Store
	other := len(all)
	for i, w := range all {
		src, _ := m.SourceFor(w.id, w.principal)
		s.mustBe(t, src, fmt.Sprint("user-", i))
	}
	if s.callCount() != 2*other || s.reuses() != 0 {
		t.Errorf("%d calls, %d reuses", s.callCount(), s.reuses())
	}
}

// They are bad whoever asked before, and whatever the right ones look like
// side by side.
func TestBadScopesAreSaidToBe(t *testing.T) {
	s := newServer()
	m := s.manager(t)
	s.login(t, of(t, m, "ann"), "ann")
	ctx := authtrip.WithPrincipal(t.Context(), "ann")
	if got, err := s.whoami(authtrip.WithScopes(ctx, "a", "b"), m); got != "ann" || err != nil {
		t.Fatal(got, err)
	}
	for _, bad := range [][]string{{""}, {"a b"}, {"read", ""}, {"read", "a\""}, {"read", "\x00"}, {"é"}} {
		_, err := s.whoami(authtrip.WithScopes(ctx, bad...), m)
		wantAll(t, err, `"users"`, "WithScopes", "is no scope")
	}
}

// Credentials belong to the registration, and not to each of its users.
func TestUsersShareTheirRegistrationsCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		secret, asked := "first", 0
		m := s.managerOf(t, []authtrip.Registration{user(func(r *authtrip.Registration) {
			r.ClientID, r.ClientSecret, r.ClientAuth = "", authtrip.Secret{}, authtrip.ClientSecretPost
			r.Credentials = func(context.Context) (string, authtrip.Secret, error) {
				asked++
				return "id", authtrip.NewSecret(secret), nil
			}
		})}, authtrip.WithTokenTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
			body, _ := r.GetBody()
			b, _ := io.ReadAll(body)
			if !strings.Contains(string(b), "client_secret="+secret+"&") {
				return jsonReply(r, 401, map[string]any{"error": "invalid_client"}), nil
			}
			return s.RoundTrip(r)
		})))
		for i := range 10 {
			s.login(t, of(t, m, fmt.Sprint(i)), fmt.Sprint(i))
		}
		settle(time.Hour)
		secret = "second" // it was issued anew: a refresh goes on with it
		for i := range 10 {
			s.mustBe(t, of(t, m, fmt.Sprint(i)), fmt.Sprint(i))
		}
		if asked != 2 || s.reuses() != 0 {
			t.Fatalf("asked %d times for 10 users and 2 secrets", asked)
		}
	})
}

// Asking by name costs no more than a look: a Source that nobody keeps is not
// allocated.
func TestASourceThatIsNotKeptAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Log("the race detector allocates: the tokens are looked at all the same")
	}
	s := newServer()
	users := s.manager(t)
	s.login(t, of(t, users, "ann"), "ann")
	clients, err := authtrip.NewManager([]authtrip.Registration{registration()},
		authtrip.WithTokenTransport(&replies{bodies: []string{`{"access_token":"a","expires_in":3600}`}}))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = clients.Close() }()
	for name, source := range map[string]func() (authtrip.Token, error){
		"a client's": func() (authtrip.Token, error) {
			src, err := clients.Source("test")
			if err != nil {
				return authtrip.Token{}, err
			}
			return src.Token(t.Context())
		},
		"a user's": func() (authtrip.Token, error) {
			src, err := users.SourceFor("users", "ann")
			if err != nil {
				return authtrip.Token{}, err
			}
			return src.Token(t.Context())
		},
	} {
		n := testing.AllocsPerRun(1000, func() {
			if tok, err := source(); err != nil || tok.AccessToken() == "" {
				t.Fatal(err)
			}
		})
		if n > 0 && !raceEnabled {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
