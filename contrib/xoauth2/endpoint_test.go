package xoauth2_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/contrib/xoauth2"
)

func mustFrom(t *testing.T, id string, ts oauth2.TokenSource) authtrip.Registration {
	t.Helper()
	reg, err := xoauth2.FromTokenSource(id, ts)
	if err != nil {
		t.Fatal(err)
	}
	return reg
}

// over is a client with the tokens of ts.
func over(t *testing.T, ts oauth2.TokenSource, base http.RoundTripper, options ...authtrip.Option) *http.Client {
	t.Helper()
	return &http.Client{Transport: &authtrip.Transport{Source: newSource(t, mustFrom(t, "vendor", ts), options...), Base: base}}
}

// wantAll sends n requests at once.
func wantAll(t *testing.T, client *http.Client, n, status int) {
	t.Helper()
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			if got, err := get(client, "https://api.example/"); got != status {
				t.Errorf("status %d (%v), want %d", got, err, status)
			}
		})
	}
	all.Wait()
}

func TestATokenSourceFeedsOurTransport(t *testing.T) {
	w := newWorld(t)
	cfg := w.config()
	client := over(t, tokenFunc(func() (*oauth2.Token, error) { return cfg.Token(context.Background()) }), nil)

	w.want(t, client, 10, http.StatusOK)
	w.revokeAll()
	w.want(t, client, 10, http.StatusOK) // one that keeps nothing has another

	if tokens, requests := w.counts(); tokens != 2 || requests != 21 {
		t.Fatalf("%d tokens, %d requests", tokens, requests)
	}
}

func TestItsTokensAreRenewedBeforeTheyExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor, api := &counted{}, &apiStub{accepts: func(string) bool { return true }}
		client := over(t, vendor, api)
		for range 4 * 60 { // minutes
			wantAll(t, client, 3, http.StatusOK)
			time.Sleep(time.Minute)
		}
		if n := vendor.count(); n < 5 || n > 7 { // 240 minutes, each for about 40
			t.Fatalf("%d tokens in four hours", n)
		}
	})
}

func TestATokenWithoutExpiryIsUsedUntilItIsRejected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := &counted{lifetime: -1}
		revoked := ""
		client := over(t, vendor, &apiStub{accepts: func(token string) bool { return token != revoked }})
		wantAll(t, client, 1, http.StatusOK)
		time.Sleep(1000 * time.Hour)
		wantAll(t, client, 1, http.StatusOK)
		if n := vendor.count(); n != 1 {
			t.Fatalf("%d tokens", n)
		}
		revoked = "token-1"
		wantAll(t, client, 10, http.StatusOK)
		if n := vendor.count(); n != 2 {
			t.Fatalf("%d tokens", n)
		}
	})
}

// A ReuseTokenSource has no other token to give: it is not asked for it with
// every rejection.
func TestACachingTokenSourceIsNotStormedWhenItsTokenIsRejected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner, asked := &counted{}, atomic.Int64{}
		caching := oauth2.ReuseTokenSource(nil, inner)
		api := &apiStub{accepts: func(token string) bool { return token != "token-1" }}
		client := over(t, tokenFunc(func() (*oauth2.Token, error) {
			asked.Add(1)
			time.Sleep(time.Millisecond) // as long as all need to come
			return caching.Token()
		}), api)

		wantAll(t, client, 100, http.StatusUnauthorized)
		if n := asked.Load(); n > 2 {
			t.Fatalf("asked %d times by 100 requests", n)
		}
		for range 10 * 60 { // seconds
			wantAll(t, client, 3, http.StatusUnauthorized)
			time.Sleep(time.Second)
		}
		if n := asked.Load(); n > 30 { // 1,800 requests
			t.Fatalf("asked %d times in ten minutes", n)
		}
		time.Sleep(50 * time.Minute) // its token expires
		wantAll(t, client, 10, http.StatusOK)
		if n := inner.count(); n != 2 {
			t.Fatalf("%d tokens", n)
		}
	})
}

func TestACachingTokenSourceIsAskedRarelyAndNoTokenIsUsedAfterItsExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, asked := time.Now(), atomic.Int64{}
		inner := &counted{}
		caching := oauth2.ReuseTokenSource(nil, inner)
		api := &apiStub{accepts: func(token string) bool {
			var n int
			_, _ = fmt.Sscanf(token, "token-%d", &n)
			return time.Since(began) < time.Duration(n)*time.Hour
		}}
		client := over(t, tokenFunc(func() (*oauth2.Token, error) { asked.Add(1); return caching.Token() }), api)
		for time.Since(began) < 3*time.Hour {
			wantAll(t, client, 1, http.StatusOK)
			time.Sleep(900 * time.Millisecond)
		}
		if inner.count() > 4 || asked.Load() > 80 || len(api.distinct()) != inner.count() {
			t.Fatalf("%d tokens, asked %d times, in three hours", inner.count(), asked.Load())
		}
	})
}

func TestAnExpiredTokenIsSentToWhoAsksForItAndNotKept(t *testing.T) {
	vendor := &counted{lifetime: time.Nanosecond}
	client := over(t, vendor, &apiStub{accepts: func(string) bool { return true }})
	for n := range 5 {
		if status, err := get(client, "https://api.example/"); status != http.StatusOK || vendor.count() != n+1 {
			t.Fatalf("status %d, %v, %d tokens", status, err, vendor.count())
		}
	}
}

func TestAnExpiredTokenThatIsRejectedStormsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := atomic.Int64{}
		old := &oauth2.Token{AccessToken: "old", Expiry: time.Now().Add(-time.Hour)}
		client := over(t, tokenFunc(func() (*oauth2.Token, error) { asked.Add(1); return old, nil }), &apiStub{accepts: func(string) bool { return false }})
		for range 60 { // seconds
			wantAll(t, client, 10, http.StatusUnauthorized)
			time.Sleep(time.Second)
		}
		if n := asked.Load(); n > 130 { // about once a second, and not 600 times
			t.Fatalf("asked %d times by 600 requests", n)
		}
	})
}

func TestARegistrationOfATokenSourceNeedsAnIDAndASource(t *testing.T) {
	_, err := xoauth2.FromTokenSource("", nil)
	if err == nil || !strings.Contains(err.Error(), "id is empty") || !strings.Contains(err.Error(), "TokenSource is nil") {
		t.Fatal(err)
	}
}

func TestEveryIDHasABreakerOfItsOwn(t *testing.T) {
	down := tokenFunc(func() (*oauth2.Token, error) { return nil, errors.New("down") })
	up := &counted{}
	ids := []string{"google", "Google", "goog_le", "goog_5fle", "goog le", "goog_20le", "구글", "a/b?c#d@e:8", "[::1]", "%zz", "..", "-", "127.0.0.1", "localhost", strings.Repeat("x", 300), "a\nb", "\xff"}
	registrations := []authtrip.Registration{mustFrom(t, "down", down)}
	for _, id := range ids {
		registrations = append(registrations, mustFrom(t, id, up))
	}
	mgr, err := authtrip.NewManager(registrations)
	if err != nil {
		t.Fatal(err)
	}
	defer mgr.Close() //nolint:errcheck // it returns nil
	src, _ := mgr.Source("down")
	for range 3 {
		_, err = src.Token(t.Context())
	}
	if !errors.Is(err, authtrip.ErrCircuitOpen) || !strings.Contains(err.Error(), "https://down.tokensource.invalid") {
		t.Fatal(err)
	}
	hosts := map[string]string{}
	for i, id := range ids {
		src, _ := mgr.Source(id)
		if _, err := src.Token(t.Context()); err != nil {
			t.Errorf("%q: %v", id, err)
		}
		host := strings.ToLower(registrations[i+1].TokenEndpoint.URL)
		if other, taken := hosts[host]; taken {
			t.Errorf("%q and %q share a breaker", other, id)
		}
		hosts[host] = id
	}
}

// A TokenSource gives one token. It must not pass for a user's, or for one with
// other scopes.
func TestWhatATokenSourceCannotGiveIsAnError(t *testing.T) {
	vendor := &counted{}
	for name, change := range map[string]func(*authtrip.Registration){
		"scopes": func(r *authtrip.Registration) { r.Scopes = []string{"admin"} },
		"params": func(r *authtrip.Registration) { r.Params = map[string][]string{"audience": {"bank"}} },
		"GET":    func(r *authtrip.Registration) { r.TokenEndpoint.Method = http.MethodGet },
		"a user": func(r *authtrip.Registration) {
			r.Grant = authtrip.RefreshToken
			r.RefreshToken = func(context.Context, string) (authtrip.Secret, error) { return authtrip.NewSecret("x"), nil }
		},
	} {
		reg := mustFrom(t, "vendor", vendor)
		change(&reg)
		_, err := newSource(t, reg).Token(t.Context())
		if said, ok := errors.AsType[*authtrip.ServerError](err); !ok || said.Code != "invalid_request" || !strings.Contains(said.Description, "leave Scopes") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := vendor.count(); n != 0 {
		t.Errorf("it was asked %d times", n)
	}

	reg := mustFrom(t, "vendor", vendor)
	reg.RevocationEndpoint.URL = "https://vendor.example/revoke"
	src := newSource(t, reg)
	if _, err := src.Token(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := src.Revoke(t.Context()); err == nil {
		t.Error("a revocation that reached nobody was a success")
	}
}
