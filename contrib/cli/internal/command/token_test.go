package command_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/authtrip/authtrip/authtest"
)

func TestATokenAndOnlyItIsPrinted(t *testing.T) {
	w := newWorld(t)
	r := w.want(0, args("token nhn"))
	if token := strings.TrimSuffix(r.out, "\n"); len(token) < 20 || strings.ContainsAny(token, " \n") || r.errs != "" {
		t.Errorf("out %q, errs %q", r.out, r.errs)
	}
}

func TestASecondRunMakesNoTokenCall(t *testing.T) {
	w := newWorld(t)
	first := w.want(0, args("token nhn"))
	for range 3 {
		if again := w.want(0, args("token nhn")); again.out != first.out {
			t.Error("another token")
		}
	}
	if n := w.cloud.Counts().TokenCalls; n != 1 {
		t.Errorf("%d token calls", n)
	}
	w.want(0, args("token nhn --no-cache"), "!"+first.out)
	if n := w.cloud.Counts().TokenCalls; n != 2 {
		t.Errorf("%d token calls with one without the cache", n)
	}
}

func TestFreshIsAnotherTokenAndOneCall(t *testing.T) {
	w := newWorld(t)
	w.want(0, args("token nhn --fresh"))
	if n := w.cloud.Counts().TokenCalls; n != 1 {
		t.Errorf("%d token calls where nothing was cached", n)
	}
	old := w.want(0, args("token nhn"))
	fresh := w.want(0, args("token nhn --fresh"), "!"+old.out)
	if kept := w.want(0, args("token nhn")); kept.out != fresh.out {
		t.Error("the cache has the old one still")
	}
	if n := w.cloud.Counts().TokenCalls; n != 2 {
		t.Errorf("%d token calls", n)
	}
	// And when there is none to be had, the old one is not passed off as fresh.
	w.cloud.Break(authtest.Fault{Status: 503})
	if r := w.want(codeUnreachable, args("token nhn --fresh")); r.out != "" {
		t.Errorf("printed %q", r.out)
	}
}

func TestFreshForAUserRedeemsTheRefreshToken(t *testing.T) {
	w := newWorld(t)
	w.live.SetRotation(true)
	w.want(0, args("login prism --user kim --code "+w.live.Code("kim")))
	old := w.want(0, args("token prism --user kim"))
	if n := w.live.Counts().TokenCalls; n != 1 {
		t.Errorf("%d token calls", n)
	}
	for range 3 {
		fresh := w.want(0, args("token prism --user kim --fresh"), "!"+old.out)
		if old = w.want(0, args("token prism --user kim")); old.out != fresh.out {
			t.Error("the cache has the old one still")
		}
	}
	if c := w.live.Counts(); c.RefreshCalls != 3 || c.RefreshTokensReused != 0 {
		t.Errorf("%+v", c)
	}
}

func TestATokenAsJSON(t *testing.T) {
	w := newWorld(t)
	token := strings.TrimSpace(w.want(0, args("token nhn")).out)
	var got struct {
		Registration, AccessToken, TokenType string
		ExpiresAt                            time.Time
		Headers                              map[string]string
	}
	text := w.want(0, args("token nhn -o json")).out
	for from, to := range map[string]string{"access_token": "AccessToken", "token_type": "TokenType", "expires_at": "ExpiresAt"} {
		text = strings.ReplaceAll(text, `"`+from+`"`, `"`+to+`"`)
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	left := time.Until(got.ExpiresAt)
	if got.Registration != "nhn" || got.AccessToken != token || got.TokenType != "Bearer" || left < 23*time.Hour || left > 24*time.Hour ||
		len(got.Headers) != 2 || got.Headers["x-nhn-authorization"] != "Bearer "+token || got.Headers["x-nhn-authentication"] != "Bearer "+token {
		t.Errorf("%+v", got)
	}
	w.live.SetLifetime(0)
	w.want(0, args("login prism --code "+w.live.Code("")))
	w.want(0, args("token prism -o json"), `"expires_at": null`, `"x-prism-access-token": "`)
}

func TestATokenAsHeaderLines(t *testing.T) {
	w := newWorld(t)
	token := strings.TrimSpace(w.want(0, args("token nhn")).out)
	r := w.want(0, args("token nhn -o header"))
	if r.out != "x-nhn-authentication: Bearer "+token+"\nx-nhn-authorization: Bearer "+token+"\n" {
		t.Errorf("%q", r.out)
	}
	w.want(0, args("login prism --code "+w.live.Code("")))
	raw := w.want(0, args("token prism")).out
	if r := w.want(0, args("token prism -o header")); r.out != "x-prism-access-token: "+raw {
		t.Errorf("%q", r.out)
	}
	w.write("plain.yml", "registration: {shop: {client_id: a, client_secret: b, provider: p}}\nprovider: {p: {token_uri: '"+w.cloud.AuthURL+"/oauth2/token/create'}}\n")
	w.want(codeRefused, args("token --config plain.yml -o header"), "invalid_client")
}

func TestRevokeEndsTheCachedToken(t *testing.T) {
	w := newWorld(t)
	first := w.want(0, args("token nhn"))
	w.want(0, args("revoke nhn"))
	if n := w.cloud.Counts().Revocations; n != 1 {
		t.Errorf("%d revocations", n)
	}
	w.want(0, args("token nhn"), "!"+first.out)
	w.want(0, args("revoke nhn"))
	w.want(0, args("revoke nhn")) // nothing is left to revoke
	if n := w.cloud.Counts().Revocations; n != 2 {
		t.Errorf("%d revocations", n)
	}
	w.want(codeUsage, args("revoke nhn --no-cache"), "leave out --no-cache")
}

func TestRevokeEndsALogin(t *testing.T) {
	w := newWorld(t)
	w.want(0, args("login prism --user kim --code "+w.live.Code("kim")))
	w.want(codeOther, args("revoke prism --user kim"), "the server was not told")
	w.want(codeAuthorization, args("token prism --user kim"), "run authtrip login prism --user kim")
}

func TestACacheInTroubleTakesNothing(t *testing.T) {
	w := newWorld(t)
	w.write("file", "")
	r := w.want(0, args("token nhn --cache "+filepath.Join(w.dir, "file")), "authtrip: warning: nothing is cached")
	if strings.Count(r.out, "\n") != 1 {
		t.Errorf("%q", r.out)
	}
	w.want(0, args("token nhn"))
	records, _ := filepath.Glob(filepath.Join(w.dir, "cache", "authtrip", "*", "*.record"))
	if len(records) != 1 {
		t.Fatal(records)
	}
	if err := os.WriteFile(records[0], []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.want(0, args("token nhn"), "authtrip: warning: the cache:")
	w.want(0, args("token nhn"), "!warning")
}

// A run that is over at once must not ask for a token that nobody waits for.
func TestATokenIsAskedForOnceInItsLifetime(t *testing.T) {
	w := newWorld(t)
	w.cloud.SetLifetime(1500 * time.Millisecond)
	seen := map[string]bool{}
	for len(seen) < 2 {
		seen[w.want(0, args("token nhn --valid-for 0")).out] = true
	}
	if n := w.cloud.Counts().TokenCalls; n != 2 {
		t.Errorf("%d token calls for 2 tokens", n)
	}
}

func TestATokenThatEndsTooSoonIsReplaced(t *testing.T) {
	w := newWorld(t)
	w.cloud.SetLifetime(time.Minute)
	old := w.want(0, args("token nhn"))
	w.want(0, args("token nhn"), old.out)
	w.want(0, args("token nhn --valid-for 10m"), "!"+old.out, "warning: the server's tokens last for ", "less than --valid-for 10m")
	if n := w.cloud.Counts().TokenCalls; n != 2 {
		t.Errorf("%d token calls", n)
	}
	// It is better than none.
	last := w.want(0, args("token nhn"))
	w.cloud.Break(authtest.Fault{Status: 503})
	w.want(0, args("token nhn --valid-for 10m"), last.out, "authtrip: warning: the token ends soon, and there is no other")
}
