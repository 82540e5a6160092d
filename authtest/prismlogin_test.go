package authtest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip/authtest"
)

func TestACodeIsGoodOnce(t *testing.T) {
	s := authtest.NewPRISM()
	defer s.Close()
	_, other := redeem(t, s, codeParams(s.Code("user")))
	code := s.Code("user")
	_, first := redeem(t, s, codeParams(code))
	_, renewed := redeem(t, s, refreshParams(first["refresh_token"]))
	if res, fields := redeem(t, s, codeParams(code)); res.StatusCode != 400 || fields["error"] != "invalid_grant" {
		t.Fatalf("%d %v, want invalid_grant", res.StatusCode, fields)
	}
	for name, token := range map[string]any{"first": first["access_token"], "renewed": renewed["access_token"]} {
		if res, _ := ask(t, s, token); res.StatusCode != 401 {
			t.Errorf("the %s access token outlives the code's second use", name)
		}
	}
	if _, fields := redeem(t, s, refreshParams(first["refresh_token"])); fields["error"] != "invalid_grant" {
		t.Errorf("the refresh token outlives the code's second use: %v", fields)
	}
	if res, _ := ask(t, s, other["access_token"]); res.StatusCode != 200 {
		t.Error("another login ended too")
	}
	if c := s.Counts(); c.CodesReused != 1 || c.CodeCalls != 3 || c.RefreshCalls != 2 || c.TokenCalls != 5 || c.Issued != 3 || c.Concurrent != 1 {
		t.Errorf("%+v", c)
	}
}

func TestCodesAndTokensExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := authtest.NewPRISM(authtest.InMemory())
		t.Cleanup(s.Close)
		s.SetLifetime(time.Minute)
		early, late := s.Code("user"), s.Code("user")
		time.Sleep(10*time.Minute - time.Nanosecond)
		res, login := redeem(t, s, codeParams(early))
		if res.StatusCode != 200 || login["expires_in"] != 60. {
			t.Fatalf("just before the code's end: %v", login)
		}
		time.Sleep(time.Nanosecond)
		if _, fields := redeem(t, s, codeParams(late)); fields["error"] != "invalid_grant" {
			t.Fatalf("at the code's end: %v", fields)
		}
		time.Sleep(time.Minute - 2*time.Nanosecond)
		if res, _ := ask(t, s, login["access_token"]); res.StatusCode != 200 {
			t.Fatal("the access token expired early")
		}
		time.Sleep(time.Nanosecond)
		if res, _ := ask(t, s, login["access_token"]); res.StatusCode != 401 {
			t.Fatal("the access token did not expire")
		}
		s.SetLifetime(0)
		_, login = redeem(t, s, refreshParams(login["refresh_token"]))
		if _, said := login["expires_in"]; said {
			t.Fatalf("expires_in of an unknown lifetime: %v", login)
		}
		time.Sleep(1000 * time.Hour)
		if res, _ := ask(t, s, login["access_token"]); res.StatusCode != 200 {
			t.Fatal("an access token of unknown lifetime expired")
		}
	})
}

func TestWithoutRotationARefreshTokenStaysGood(t *testing.T) {
	s := authtest.NewPRISM()
	defer s.Close()
	_, login := redeem(t, s, codeParams(s.Code("user")))
	seen := map[any]bool{login["access_token"]: true}
	for range 3 {
		res, fields := redeem(t, s, refreshParams(login["refresh_token"]))
		if _, said := fields["refresh_token"]; res.StatusCode != 200 || said || seen[fields["access_token"]] {
			t.Fatalf("%d %v, want a new access token alone", res.StatusCode, fields)
		}
		seen[fields["access_token"]] = true
	}
	s.SetRefreshTokens(false)
	if _, fields := redeem(t, s, codeParams(s.Code("user"))); fields["refresh_token"] != nil || fields["access_token"] == nil {
		t.Fatalf("%v, want no refresh token", fields)
	}
}

func TestARefreshTokenRotatedAwayEndsItsLogin(t *testing.T) {
	s := authtest.NewPRISM()
	defer s.Close()
	s.SetRotation(true)
	_, other := redeem(t, s, codeParams(s.Code("user")))
	_, first := redeem(t, s, codeParams(s.Code("user")))
	_, second := redeem(t, s, refreshParams(first["refresh_token"]))
	if second["refresh_token"] == nil || second["refresh_token"] == first["refresh_token"] {
		t.Fatalf("%v, want a new refresh token", second)
	}
	if res, fields := redeem(t, s, refreshParams(first["refresh_token"])); res.StatusCode != 400 || fields["error"] != "invalid_grant" {
		t.Fatalf("%d %v, want invalid_grant", res.StatusCode, fields)
	}
	if _, fields := redeem(t, s, refreshParams(second["refresh_token"])); fields["error"] != "invalid_grant" {
		t.Errorf("the new refresh token outlives the old one's second use: %v", fields)
	}
	for _, token := range []any{first["access_token"], second["access_token"]} {
		if res, _ := ask(t, s, token); res.StatusCode != 401 {
			t.Error("an access token outlives the refresh token's second use")
		}
	}
	if _, fields := redeem(t, s, refreshParams(other["refresh_token"])); fields["access_token"] == nil {
		t.Errorf("another login ended too: %v", fields)
	}
	if n := s.Counts().RefreshTokensReused; n != 1 {
		t.Errorf("%d reuses, want 1", n)
	}
	s.SetRefreshTokens(false)
	_, last := redeem(t, s, codeParams(s.Code("user")))
	s.SetRefreshTokens(true)
	_, kept := redeem(t, s, codeParams(s.Code("user")))
	s.SetRefreshTokens(false)
	for range 2 { // not given any more, so not rotated either
		_, fields := redeem(t, s, refreshParams(kept["refresh_token"]))
		if fields["access_token"] == nil || fields["refresh_token"] != nil || last["refresh_token"] != nil {
			t.Errorf("%v, want an access token alone", fields)
		}
	}
}

func TestEndingTokensAndLogins(t *testing.T) {
	s := authtest.NewPRISM()
	defer s.Close()
	unused := s.Code("user")
	_, login := redeem(t, s, codeParams(s.Code("user")))
	s.RevokeAll()
	if res, _ := ask(t, s, login["access_token"]); res.StatusCode != 401 {
		t.Error("an access token outlives RevokeAll")
	}
	_, renewed := redeem(t, s, refreshParams(login["refresh_token"]))
	if res, _ := ask(t, s, renewed["access_token"]); res.StatusCode != 200 {
		t.Error("the refresh token did not outlive RevokeAll")
	}
	s.EndLogins()
	if res, _ := ask(t, s, renewed["access_token"]); res.StatusCode != 401 {
		t.Error("an access token outlives EndLogins")
	}
	if _, fields := redeem(t, s, refreshParams(login["refresh_token"])); fields["error"] != "invalid_grant" {
		t.Errorf("the refresh token outlives EndLogins: %v", fields)
	}
	if _, fields := redeem(t, s, codeParams(unused)); fields["access_token"] == nil {
		t.Errorf("an unused code did not outlive EndLogins: %v", fields)
	}
}
