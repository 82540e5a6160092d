package authtrip

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
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

func FuzzEnvelope(f *testing.F) {
	for _, body := range []string{
		`{"header":{"isSuccessful":false,"resultCode":80007,"resultMessage":"x"}}`, `{"header":{"resultCode":"401.7","isSuccessful":false},"a":[1,{}]}`,
		`{"header":{"isSuccessful":true,"resultCode":200}}`, `{"body":{"header":{"isSuccessful":false,"resultCode":80007}},"header":{}}`,
		`{"header":{"isSuccessful":false,"resultCode":8.0007e4}}`, `{"header":{"isSuccessful":false,"resultCode":1e999}}`,
		"\ufeff {\"header\":{\"isSuccessful\":false,\"resultCode\":-6}}", `{"header":[{"isSuccessful":false}],"a\u0000":null}`,
		`{"header":{"isSuccessful":false,"resultCode":80007`, `[`, `"x"`, `12`, ``, "\ufeff", "\xef\xbb", `{"a":`,
	} {
		for encoding := range uint8(4) {
			f.Add([]byte(body), encoding, uint8(encoding), uint16(0), encoding == 1)
			f.Add([]byte(body), encoding, uint8(7), uint16(4096), false)
			f.Add([]byte(body), encoding, uint8(255), uint16(4096-len(body)), true)
		}
	}
	rule := Envelope{Success: "header.isSuccessful", Code: "header.resultCode", Rejected: []string{"80007", "-6", "401*"}}
	broke := errors.New("the connection broke")
	f.Fuzz(func(t *testing.T, text []byte, encoding, chunk uint8, padding uint16, breaks bool) {
		// Space before the envelope moves it over the limit, space after it
		// does not.
		text = append(bytes.Repeat([]byte(" "), int(padding%5000)), text...)
		sent := append(slices.Clone(text), bytes.Repeat([]byte("\n"), int(padding/5000)*1000)...)
		res := &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}}
		coding := []string{"", "gzip", "gzip", "br"}[encoding%4]
		if encoding%4 == 1 {
			sent = zip(sent)
		}
		if coding != "" {
			res.Header.Set("Content-Encoding", coding)
		}
		end := io.EOF
		if breaks {
			end = broke
		}
		res.Body = io.NopCloser(&inChunks{io.MultiReader(bytes.NewReader(sent), iotest.ErrReader(end)), int(chunk) + 1})

		opened, verdict, undecided := openEnvelope(t.Context(), res, rule, time.Hour)
		got, err := io.ReadAll(opened.Body)
		if breaks != (err == broke) || !breaks && err != nil || !bytes.Equal(got, sent) {
			t.Fatalf("read %q, %v; the server sent %q", got, err, sent)
		}
		if undecided != nil && verdict != TokenAccepted {
			t.Fatalf("%v and rejected", undecided)
		}
		if encoding%4 > 1 && !bytes.HasPrefix(sent, []byte{0x1f, 0x8b}) {
			if verdict != TokenAccepted || undecided == nil && (coding == "br" || len(sent) > 0) {
				t.Fatalf("%v (%v) though it cannot be read", verdict, undecided)
			}
			return
		}
		if encoding%4 > 1 || len(text) > envelopeLimit || len(sent) > envelopeLimit && encoding%4 == 1 {
			return
		}
		rejects, ok := rejectsByTheBook(text)
		if ok && ((verdict == TokenRejected) != rejects || undecided != nil) {
			t.Fatalf("%q: verdict %v (%v), want rejected %v", text, verdict, undecided, rejects)
		}
	})
}

// inChunks gives its bytes in chunks of that many.
type inChunks struct {
	io.Reader
	size int
}

func (c *inChunks) Read(p []byte) (int, error) { return c.Reader.Read(p[:min(len(p), c.size)]) }

func zip(text []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(text)
	_ = z.Close()
	return b.Bytes()
}

// rejectsByTheBook judges a whole text. It is not ok if that is no JSON object,
// or one that says something twice.
func rejectsByTheBook(text []byte) (rejects, ok bool) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	var all map[string]any
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if !json.Valid(text) || dec.Decode(&all) != nil || members(all) != membersWritten(text) {
		return false, false
	}
	header, _ := all["header"].(map[string]any)
	code, _ := header["resultCode"].(string)
	if n, ok := header["resultCode"].(json.Number); ok {
		code = string(n)
		if f, err := n.Float64(); err == nil && f == float64(int64(f)) && f < 1<<53 && f > -1<<53 {
			code = strconv.FormatInt(int64(f), 10)
		}
	}
	code = strings.TrimSpace(code)
	return header["isSuccessful"] == false && (code == "80007" || code == "-6" || strings.HasPrefix(code, "401")), true
}

// members counts the members of all objects in value.
func members(value any) (n int) {
	switch value := value.(type) {
	case map[string]any:
		for _, v := range value {
			n += 1 + members(v)
		}
	case []any:
		for _, v := range value {
			n += members(v)
		}
	}
	return n
}

// membersWritten counts the members in text: outside strings, a colon each.
func membersWritten(text []byte) (n int) {
	for in, i := false, 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			in = !in
		case c == '\\':
			i++
		case c == ':' && !in:
			n++
		}
	}
	return n
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
