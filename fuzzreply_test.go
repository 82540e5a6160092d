package authtrip

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
)

func FuzzTokenReply(f *testing.F) {
	for _, body := range []string{
		`{"access_token":"a","token_type":"Bearer","expires_in":86400}`,
		`{"access_token":"a","expires_in":"86400"}`, `{"access_token":"a","expires_in":3.6e3}`,
		`{"access_token":"a","expires_in":1e999}`, `{"access_token":"a","expires_in":-0}`,
		`{"error":"invalid_client","error_description":"no \u001b[31m"}`,
		`{"error":"c4n4ry-secret","error_description":"c4n4ry\u0000-\u200bsecret \u202e"}`, `{"error":{"code":"x"}}`,
		"access_token=a&expires_in=60", "\ufeff{}", "[]", "<html>", "", `{"access_token":"a"}x`,
		`{"access_token":"a","refresh_token":"r","expires_in":0,"token_type":"BEARER"}`, `{"access_token":"a b","refresh_token":"r"}`, `{"access_token":"a","refresh_token":7}`,
		`{"access_token":"a","refresh_token":"r","token_type":"mac"}`, `{"access_token":"a","refresh_token":"r","error":"x"}`, `{"access_token":null,"error":null}`,
	} {
		f.Add(200, body, "application/json", "120")
		f.Add(400, body, "application/x-www-form-urlencoded", "Sat, 01 Jan 2000 00:05:00 GMT")
	}
	const secret = "c4n4ry-secret"
	f.Fuzz(func(t *testing.T, status int, body, contentType, retryAfter string) {
		for _, grant := range []Grant{ClientCredentials, AuthorizationCode} {
			for _, remains := range []bool{false, true} {
				c := &client{settings: &settings{Registration: Registration{Grant: grant, ExpiresInRemains: remains}, server: "https://auth.example:443"}, ID: "fuzz"}
				res := &http.Response{
					StatusCode: status, Body: io.NopCloser(strings.NewReader(body)),
					Header: http.Header{"Content-Type": {contentType}, "Retry-After": {retryAfter}},
				}
				reply, err := c.readReply(res, c.server, []string{secret})
				if err != nil {
					checkSaid(t, err, secret)
					if reply != nil && (grant != AuthorizationCode || reply.token != "" || reply.refresh == "") {
						t.Fatalf("%q beside %v", []string{reply.token, reply.refresh}, err)
					}
				} else {
					checkReply(t, c, status, reply)
				}
				checkByTheBook(t, c, status, body, reply, err)
			}
		}
	})
}

func checkReply(t *testing.T, c *client, status int, reply *tokenReply) {
	t.Helper()
	if reply.token == "" || strings.ContainsFunc(reply.token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		t.Fatalf("token %q", reply.token)
	}
	if reply.refresh != "" && !c.Grant.ofUsers() {
		t.Fatalf("a client's refresh token %q", reply.refresh)
	}
	if reply.lifetime != forever && (reply.lifetime < 0 || reply.lifetime > maxLifetime || reply.lifetime == 0 && !c.ExpiresInRemains) {
		t.Fatalf("lifetime %v", reply.lifetime)
	}
	if status < 200 || status > 299 {
		t.Fatalf("a token from status %d", status)
	}
}

// checkByTheBook compares with a plain reading of a JSON object: what is there
// is what was read, and a plain reply is not refused.
func checkByTheBook(t *testing.T, c *client, status int, body string, reply *tokenReply, err error) {
	t.Helper()
	var all map[string]any
	if json.Unmarshal([]byte(body), &all) != nil || all == nil {
		return
	}
	token, _ := all["access_token"].(string)
	refresh, refreshes := all["refresh_token"].(string)
	seconds, counts := all["expires_in"].(float64)
	if figure, ok := all["expires_in"].(string); ok {
		var err error
		seconds, err = strconv.ParseFloat(strings.TrimSpace(figure), 64)
		counts = err == nil
	}
	if reply != nil {
		if reply.refresh != refresh && c.Grant.ofUsers() || reply.token != token && err == nil {
			t.Fatalf("%q reads as token %q, refresh token %q", body, reply.token, reply.refresh)
		}
		if want := time.Duration(seconds * float64(time.Second)); err == nil && counts && seconds >= 1 && seconds < 1e7 && (reply.lifetime-want).Abs() > time.Microsecond {
			t.Fatalf("%q has lifetime %v, want %v", body, reply.lifetime, want)
		}
		return
	}
	kind, isBearer := all["token_type"].(string)
	isBearer = isBearer && strings.EqualFold(kind, "bearer") || all["token_type"] == nil
	if status == 200 && all["error"] == nil && visible(token) && isBearer &&
		(all["expires_in"] == nil || counts && seconds == float64(uint32(seconds)) && all["expires_in"] == any(seconds)) && (refreshes || all["refresh_token"] == nil) && len(body) <= maxReply {
		t.Fatalf("%q is refused: %v", body, err)
	}
}

func checkSaid(t *testing.T, err error, secret string) {
	t.Helper()
	var said *ServerError
	if !errors.As(err, &said) {
		t.Fatalf("%T: %v", err, err)
	}
	text := err.Error()
	if len([]rune(text)) > 600 || strings.Contains(text, secret) {
		t.Fatalf("error of %d characters: %q", len(text), text)
	}
	for _, r := range text {
		if !unicode.IsPrint(r) {
			t.Fatalf("a character that does not print in %q", text)
		}
	}
	if said.RetryAfter < 0 || said.RetryAfter > maxRetryAfter {
		t.Fatalf("RetryAfter %v", said.RetryAfter)
	}
}
