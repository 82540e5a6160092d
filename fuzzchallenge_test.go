package authtrip

import (
	"maps"
	"net/http"
	"strings"
	"testing"
)

// quoted makes a value fit between quotes (RFC 9110 §5.6.4).
var quoted = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// FuzzWWWAuthenticate reads a line twice: as it is, and as the value of a
// quoted parameter of a line that can be read.
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
		rejects := len(read) == 0
		for _, c := range read {
			code, ok := c.params["error"]
			rejects = rejects || strings.EqualFold(c.scheme, "bearer") && (!ok || code == "invalid_token")
		}
		for _, status := range []int{401, 400, 403} {
			res := &http.Response{StatusCode: status, Header: http.Header{"Www-Authenticate": {line, line}}}
			if got := RejectBearer(res); (got == TokenRejected) != (rejects && status == 401) {
				t.Fatalf("%d %q: verdict %v, and read as %v", status, line, got, read)
			}
		}
		within := `Basic realm=x, bearer  Realm="` + quoted.Replace(line) + `" ,error=insufficient_scope`
		want := map[string]string{"realm": line, "error": "insufficient_scope"}
		if got := challenges(within); len(got) != 2 || !maps.Equal(got[0].params, map[string]string{"realm": "x"}) || !maps.Equal(got[1].params, want) || got[1].scheme != "bearer" {
			t.Fatalf("%q reads as %v", within, got)
		}
		// What was read, written out in the plainest form, reads the same.
		var parts []string
		for _, c := range read {
			if !isToken(c.scheme) {
				t.Fatalf("scheme %q", c.scheme)
			}
			part := c.scheme
			sep := " "
			for name, value := range c.params {
				part += sep + name + `="` + quoted.Replace(value) + `"`
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
