package authtrip

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
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
	} {
		f.Add(200, body, "application/json", "120")
		f.Add(400, body, "application/x-www-form-urlencoded", "Sat, 01 Jan 2000 00:05:00 GMT")
	}
	const secret = "c4n4ry-secret"
	f.Fuzz(func(t *testing.T, status int, body, contentType, retryAfter string) {
		for _, remains := range []bool{false, true} {
			c := &client{Registration: Registration{ID: "fuzz", ExpiresInRemains: remains}, server: "https://auth.example:443"}
			res := &http.Response{
				StatusCode: status, Body: io.NopCloser(strings.NewReader(body)),
				Header: http.Header{"Content-Type": {contentType}, "Retry-After": {retryAfter}},
			}
			reply, err := c.readReply(res, c.server, []string{secret})
			if (reply == nil) == (err == nil) {
				t.Fatalf("reply %v and error %v", reply, err)
			}
			if err != nil {
				checkSaid(t, err, secret)
				continue
			}
			if reply.token == "" || strings.ContainsFunc(reply.token, func(r rune) bool { return r <= ' ' || r > '~' }) {
				t.Fatalf("token %q", reply.token)
			}
			if reply.lifetime != forever && (reply.lifetime < 0 || reply.lifetime > maxLifetime || reply.lifetime == 0 && !remains) {
				t.Fatalf("lifetime %v", reply.lifetime)
			}
			if status < 200 || status > 299 {
				t.Fatalf("a token from status %d", status)
			}
		}
	})
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

func FuzzWWWAuthenticate(f *testing.F) {
	for _, line := range []string{
		"Bearer", `Bearer realm="x"`, `Bearer realm="a, b", error="invalid_token", error_description="x \"y\""`,
		`Basic realm="x", Bearer error=insufficient_scope`, "Negotiate", "Negotiate a87421000492aa874209af8bc028==",
		`Digest nonce="x", qop="auth,auth-int", Bearer`, `Bearer error = "invalid_token"`, `, ,Bearer,`, `Bearer error="`,
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		read := challenges(line)
		RejectBearer(&http.Response{StatusCode: 401, Header: http.Header{"Www-Authenticate": {line, line}}})
		// What was read, written out in the plainest form, reads the same.
		var parts []string
		for _, c := range read {
			if !isToken(c.scheme) {
				t.Fatalf("scheme %q", c.scheme)
			}
			part := c.scheme
			sep := " "
			for name, value := range c.params {
				part += sep + name + `="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
				sep = ", "
			}
			parts = append(parts, part)
		}
		again := challenges(strings.Join(parts, ", "))
		if len(again) != len(read) {
			t.Fatalf("%q reads as %v, written %q as %v", line, read, parts, again)
		}
		for i, c := range read {
			if again[i].scheme != c.scheme || !maps.Equal(again[i].params, c.params) {
				t.Fatalf("%q reads as %v, written %q as %v", line, read, parts, again)
			}
		}
	})
}

func TestRejectBearer(t *testing.T) {
	for _, c := range []struct {
		want   Verdict
		status int
		lines  []string
	}{
		{TokenRejected, 401, nil},
		{TokenRejected, 401, []string{""}},
		{TokenRejected, 401, []string{"Bearer"}},
		{TokenRejected, 401, []string{"bearer"}},
		{TokenRejected, 401, []string{`Bearer realm="x"`}},
		{TokenRejected, 401, []string{`Bearer realm="x", error="invalid_token", error_description="expired"`}},
		{TokenRejected, 401, []string{`Bearer error=invalid_token`}},
		{TokenRejected, 401, []string{`Bearer error = "invalid_token"`}},
		{TokenRejected, 401, []string{`Bearer ERROR="invalid_token"`}},
		{TokenRejected, 401, []string{`Basic realm="x"`, `Bearer`}},
		{TokenRejected, 401, []string{`Basic realm="Bearer, error=x", Bearer error="invalid_token"`}},
		{TokenRejected, 401, []string{`Negotiate abc==, Bearer`}},
		{TokenRejected, 401, []string{`Bearer realm="error=\"insufficient_scope\""`}},
		{TokenAccepted, 401, []string{`Bearer error="insufficient_scope"`}},
		{TokenAccepted, 401, []string{`Bearer realm="x", error=insufficient_scope, scope="a b"`}},
		{TokenAccepted, 401, []string{`Bearer error="invalid_request"`}},
		{TokenAccepted, 401, []string{`Bearer error="insufficient_scope`}}, // no closing quote
		{TokenAccepted, 401, []string{`Basic realm="x"`}},
		{TokenAccepted, 401, []string{"Negotiate"}},
		{TokenAccepted, 401, []string{"Negotiate abc==", "NTLM"}},
		{TokenAccepted, 401, []string{`Digest realm="Bearer", nonce="x", qop="auth,auth-int"`}},
		{TokenAccepted, 403, []string{"Bearer"}},
		{TokenAccepted, 200, nil},
		{TokenAccepted, 407, []string{"Bearer"}},
	} {
		res := &http.Response{StatusCode: c.status, Header: http.Header{}}
		for _, l := range c.lines {
			res.Header.Add("WWW-Authenticate", l)
		}
		if got := RejectBearer(res); got != c.want {
			t.Errorf("%d %q: %v, want %v", c.status, c.lines, got, c.want)
		}
	}
}
