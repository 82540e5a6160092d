package authtrip_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
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

func TestManyPrincipalsAreForgottenAndFoundAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		store := newSpyStore()
		m := s.manager(t, authtrip.Policy{MaxTokens: 100}, authtrip.WithStore(store))
		early := of(t, m, "user-0")
		for i := range 1000 {
			s.login(t, of(t, m, fmt.Sprintf("user-%d", i)), fmt.Sprintf("user-%d", i))
			settle(time.Millisecond)
		}
		s.mustBe(t, early, "user-0") // the handle finds its login again
		if s.callCount() != 1000 {
			t.Fatalf("%d calls, want none for the one that was forgotten: the Store has its token", s.callCount())
		}
		s.mustBe(t, early, "user-0")
		store.breakDown(func(string) error { return errors.New("it is not asked") })
		for i := 999; i > 920; i-- { // those that were used last are still there
			s.mustBe(t, of(t, m, fmt.Sprintf("user-%d", i)), fmt.Sprintf("user-%d", i))
		}
		store.breakDown(nil)
		s.endAccess()
		s.mustBe(t, of(t, m, "user-1"), "user-1") // forgotten, and ended since
		if s.callCount() != 1001 || s.reuses() != 0 {
			t.Fatalf("%d calls and %d reuses", s.callCount(), s.reuses())
		}
	})
}

func TestWhatExpiredIsForgottenFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		m := s.manager(t, authtrip.Policy{MaxTokens: 10}, authtrip.WithStore(store))
		for i := range 5 {
			s.login(t, of(t, m, fmt.Sprint("long-", i)), fmt.Sprint("long-", i))
		}
		s.lifetime = 60
		for i := range 5 {
			s.login(t, of(t, m, fmt.Sprint("short-", i)), fmt.Sprint("short-", i)) // used later
		}
		settle(2 * time.Minute)
		for i := range 4 {
			s.login(t, of(t, m, fmt.Sprint("new-", i)), fmt.Sprint("new-", i))
		}
		store.breakDown(func(string) error { return errors.New("it is not asked") })
		for i := range 5 {
			s.mustBe(t, of(t, m, fmt.Sprint("long-", i)), fmt.Sprint("long-", i))
		}
	})
}

// One principal's flight hangs while thousands of others come and go.
func TestATokenWithAFlightInTheAirIsNotForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		m := s.manager(t, authtrip.Policy{MaxTokens: 10})
		src := of(t, m, "ann")
		s.login(t, src, "ann")
		settle(time.Hour)
		calls := s.callCount()
		s.befall(func(n int, _ *http.Request) error {
			if n == calls+1 {
				time.Sleep(5 * time.Second)
			}
			return nil
		}, nil)
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() { s.mustBe(t, src, "ann") })
		}
		synctest.Wait()
		for i := range 100 {
			s.login(t, of(t, m, fmt.Sprint("user-", i)), fmt.Sprint("user-", i))
			if i%10 == 0 {
				wg.Go(func() { s.mustBe(t, of(t, m, "ann"), "ann") }) // joins the flight
				synctest.Wait()
			}
		}
		wg.Wait()
		if got := s.callCount() - calls; got != 101 || s.reuses() != 0 {
			t.Fatalf("%d calls, %d reuses; want 101 and none", got, s.reuses())
		}
	})
}

// Callers that leave at once begin flights whose entries may be forgotten
// before they run.
func TestForgettingUnderLoad(t *testing.T) {
	s := newServer()
	m := s.manager(t, authtrip.Policy{MaxTokens: 3})
	const principals = 8
	for i := range principals {
		s.login(t, of(t, m, fmt.Sprint(i)), fmt.Sprint(i))
	}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for n := range 100 {
				who := fmt.Sprint((g + n) % principals)
				ctx, cancel := context.WithCancel(authtrip.WithPrincipal(context.Background(), who))
				if n%3 == 0 {
					cancel()
				}
				got, err := s.whoami(ctx, m)
				if got != who && !errors.Is(err, context.Canceled) && got != "Unauthorized" {
					t.Errorf("%q got %q, %v", who, got, err)
				}
				cancel()
			}
		})
	}
	wg.Wait()
	if s.reuses() != 0 {
		t.Fatalf("%d refresh tokens were sent twice", s.reuses())
	}
}

// Under the race detector there are fewer of them: it makes a call ten times as
// long. scripts/test.sh runs this test without it too.
func TestAHundredThousandPrincipalsTakeBoundedMemory(t *testing.T) {
	principals := 100_000
	if raceEnabled {
		principals /= 10
	}
	var n int
	var mu sync.Mutex
	m, err := authtrip.NewManager([]authtrip.Registration{user()}, authtrip.WithTokenTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
		mu.Lock()
		defer mu.Unlock()
		n++
		return jsonReply(r, 200, map[string]any{"access_token": fmt.Sprint("a", n), "refresh_token": fmt.Sprint("r", n), "expires_in": 3600}), nil
	})), authtrip.Policy{MaxTokens: 1000})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	before := heap()
	for i := range principals {
		if err := of(t, m, fmt.Sprint("user-", i)).ExchangeCode(t.Context(), "c", nil); err != nil {
			t.Fatal(err)
		}
	}
	per := (int(heap()) - int(before)) / principals
	t.Logf("%d bytes for each principal", per)
	if per > 1000 {
		t.Errorf("%d bytes for each of %d principals, want those of a record", per, principals)
	}
	tok, err := of(t, m, "user-7").Token(t.Context())
	if err != nil || tok.AccessToken() != "a8" {
		t.Fatalf("the first users lost their logins: %v", err)
	}
	runtime.KeepAlive(m)
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestAFullStoreRefusesANewPrincipalBeforeTheCodeIsSpent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		m := s.manager(t, authtrip.WithStore(authtrip.NewMemoryStore(2)))
		s.login(t, of(t, m, "ann"), "ann")
		s.login(t, of(t, m, "bob"), "bob")
		code := s.code("eve")
		err := of(t, m, "eve").ExchangeCode(t.Context(), code, nil)
		wantAll(t, err, `"users"`, "the memory Store is full", "2 records", "NewMemoryStore")
		if s.callCount() != 2 {
			t.Fatal("the code was spent")
		}
		for range 5 { // whoever is there stays
			settle(time.Hour)
			s.mustBe(t, of(t, m, "ann"), "ann")
			s.mustBe(t, of(t, m, "bob"), "bob")
		}
		s.login(t, of(t, m, "bob"), "bob")
		if err := of(t, m, "bob").Revoke(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := of(t, m, "eve").ExchangeCode(t.Context(), code, nil); err != nil {
			t.Fatal(err)
		}
	})
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

func TestBadScopesAreSaidToBe(t *testing.T) {
	s := newServer()
	m := s.manager(t)
	for _, bad := range []string{"", "a b", "a\"", "\x00", "é"} {
		_, err := s.whoami(authtrip.WithScopes(t.Context(), "read", bad), m)
		wantAll(t, err, `"users"`, "WithScopes", "is no scope")
	}
}

func TestATokenWithoutARefreshTokenIsKeptInTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		s.noRefresh = true
		m := s.manager(t, authtrip.WithStore(store), authtrip.Policy{MaxTokens: 2})
		s.login(t, of(t, m, "ann"), "ann")
		for i := range 10 {
			s.login(t, of(t, m, fmt.Sprint(i)), fmt.Sprint(i)) // ann's entry is forgotten
		}
		s.mustBe(t, of(t, m, "ann"), "ann")
		s.mustBe(t, of(t, s.manager(t, authtrip.WithStore(store)), "ann"), "ann") // after a restart
		if s.callCount() != 11 {
			t.Fatalf("%d calls", s.callCount())
		}
		// It is good for its own scopes only.
		ctx := authtrip.WithScopes(authtrip.WithPrincipal(t.Context(), "ann"), "admin")
		if _, err := s.whoami(ctx, m); !errors.Is(err, authtrip.ErrAuthorizationRequired) {
			t.Fatalf("%v, want ErrAuthorizationRequired", err)
		}
		settle(time.Hour - time.Second)
		for _, m := range []*authtrip.Manager{m, s.manager(t, authtrip.WithStore(store))} {
			_, err := s.whoami(t.Context(), of(t, m, "ann"))
			if m != nil && err != nil && !errors.Is(err, authtrip.ErrAuthorizationRequired) {
				t.Fatalf("%v, want ErrAuthorizationRequired", err)
			}
		}
		settle(time.Second)
		for _, m := range []*authtrip.Manager{m, s.manager(t, authtrip.WithStore(store))} {
			if _, err := s.whoami(t.Context(), of(t, m, "ann")); !errors.Is(err, authtrip.ErrAuthorizationRequired) {
				t.Fatalf("%v, want ErrAuthorizationRequired", err)
			}
		}
		if got := store.holds("ann"); !strings.Contains(got, authtrip.ErrNotFound.Error()) {
			t.Fatalf("the Store still holds %s", got)
		}
	})
}

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
		}()}, authtrip.WithStore(store))
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
	})
}

func TestRevokeOnCloseEndsTheClientsTokensOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		client := registration()
		client.RevocationEndpoint.URL = "https://auth.example/revoke"
		without := registration()
		without.ID = "without"
		issued := 0
		m := s.managerOf(t, []authtrip.Registration{user(), client, without}, authtrip.Policy{RevokeOnClose: true},
			authtrip.WithTokenTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
				if body, err := r.GetBody(); err == nil {
					b := make([]byte, 100)
					n, _ := body.Read(b)
					if strings.Contains(string(b[:n]), "client_credentials") {
						issued++
						return jsonReply(r, 200, map[string]any{"access_token": fmt.Sprint("client-", issued)}), nil
					}
				}
				return s.RoundTrip(r)
			})))
		s.login(t, of(t, m, "ann"), "ann")
		for _, ctx := range []context.Context{
			authtrip.WithRegistration(t.Context(), "test"),
			authtrip.WithScopes(authtrip.WithRegistration(t.Context(), "test"), "admin"),
			authtrip.WithRegistration(t.Context(), "without"),
		} {
			if _, err := s.whoami(ctx, m); err != nil {
				t.Fatal(err)
			}
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		if len(s.revoked) != 2 || strings.Contains(strings.Join(s.revoked, " "), "client-3") {
			t.Fatalf("revoked %v, want the two that can be", s.revoked)
		}
		if s.live("ann") == "" {
			t.Fatal("ann was logged out")
		}
		if err := m.Close(); err != nil || len(s.revoked) != 2 {
			t.Fatal("closed twice")
		}
	})
}

func TestWhatRevokeOnCloseCouldNotEndIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := registration()
		r.RevocationEndpoint.URL = "https://auth.example/revoke"
		src := newSource(t, r, authtrip.Policy{RevokeOnClose: true}, authtrip.WithTokenTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "revoke") {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			return jsonReply(r, 200, map[string]any{"access_token": "a"}), nil
		})))
		if _, err := src.Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		wantAll(t, src.Close(), `"test"`, "https://auth.example", "no answer in time")
		if took := time.Since(start); took != 10*time.Second {
			t.Fatalf("Close took %v", took)
		}
	})
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
