package authtrip

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	maxReply    = 1 << 20
	maxLifetime = 365 * 24 * time.Hour
	// maxRetryAfter is the longest a server's Retry-After is believed.
	maxRetryAfter = time.Hour
)

// tokenReply is a token endpoint's success (RFC 6749 §5.1).
type tokenReply struct {
	token    string
	lifetime time.Duration // forever when unknown; zero only for a token at its end
	// refresh is the refresh token that came with it, or empty.
	refresh string
	// stored says that it is from the Store: no call was made for it. usable says
	// that lifetime is the time that it may be used.
	stored, usable bool
	// reissued says of a stored one that it was asked for because another was
	// rejected.
	reissued bool
}

// Format keeps the tokens out of dumps.
func (*tokenReply) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// String does what Format does, for dumpers that know only Stringer.
func (*tokenReply) String() string { return redacted }

// readReply reads the answer of server's token endpoint. Its error is a
// *ServerError, or the transport's when the answer broke off. A reply beside an
// error holds a refresh token that must not be lost.
func (c *client) readReply(res *http.Response, server string, secrets []string) (*tokenReply, error) {
	body, err := io.ReadAll(io.LimitReader(res.Body, maxReply+1))
	if err != nil {
		return nil, newCallError("the answer broke off: ", err, secrets)
	}
	answer := &ServerError{
		Registration: c.ID, Server: server, Status: res.StatusCode,
		RetryAfter: parseRetryAfter(res.Header.Get("Retry-After"), time.Now()),
	}
	unreadable := func(what string) (*tokenReply, error) {
		answer.Description, answer.unreadable = what, true
		switch status := res.StatusCode; {
		case status >= 500:
			answer.Description = "the server failed and gave no OAuth error"
		case status == http.StatusTooManyRequests:
			answer.Description = "too many requests"
		case status == http.StatusUnauthorized:
			answer.Description = "the client was refused without an OAuth error: check the client id and secret"
		}
		return nil, answer
	}
	if len(body) > maxReply {
		return unreadable("the reply is longer than 1 MiB; is the token endpoint's URL right?")
	}
	if res.StatusCode >= 300 && res.StatusCode < 400 {
		return unreadable("it answered with a redirect, which token calls do not follow: set the token endpoint's final URL")
	}
	fields, what := parseFields(body, res.Header.Get("Content-Type"))
	if fields == nil {
		return unreadable(what)
	}
	if code := fields.text("error"); code != "" {
		answer.Code = code
		if !slices.Contains(errorCodes, code) {
			answer.Code = said(code, secrets, 64)
		}
		answer.Description = said(fields.text("error_description"), secrets, 200)
		return nil, answer
	}
	if f := fields["error"]; fields.has("error") && string(f) != `""` {
		return unreadable("the reply has an error that is no string")
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return unreadable("the reply has this status and no OAuth error; is the token endpoint's URL right?")
	}
	reply, what := c.readToken(fields, secrets)
	if what != "" {
		answer.Description = what
		return reply, answer
	}
	return reply, nil
}

// errorCodes are those of RFC 6749 §5.2, RFC 7009 §2.2.1 and usual ones
// besides: words that show nothing.
var errorCodes = []string{
	"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope",
	"unsupported_token_type", "server_error", "temporarily_unavailable", "slow_down", "access_denied", "invalid_target",
}

// readToken reads the fields of a success. It says what is wrong with them, if
// anything is; then the reply is nil, or holds the refresh token alone.
func (c *client) readToken(f fields, secrets []string) (reply *tokenReply, wrong string) {
	reply = &tokenReply{token: f.text("access_token")}
	if c.Grant.ofUsers() {
		reply.refresh = f.text("refresh_token")
	}
	kind := f.text("token_type")
	var ok bool
	reply.lifetime, ok = f.seconds("expires_in")
	switch {
	case reply.token == "":
		wrong = "the reply has no access_token"
	case !visible(reply.token):
		wrong = "the access_token in the reply has characters that no token may have"
	case kind != "" && !strings.EqualFold(kind, "bearer"):
		wrong = "the reply's token_type is " + strconv.Quote(said(kind, append([]string{reply.token, reply.refresh}, secrets...), 20)) + ", not bearer"
	case kind == "" && f.has("token_type"):
		wrong = "the reply's token_type is no string"
	case !ok:
		wrong = "the reply's expires_in is no number of seconds"
	case c.Grant.ofUsers() && reply.refresh == "" && f.has("refresh_token") && string(f["refresh_token"]) != `""`:
		wrong = "the reply's refresh_token is no string"
	}
	switch {
	case wrong != "" && reply.refresh == "":
		return nil, wrong
	case wrong != "":
		return &tokenReply{refresh: reply.refresh}, wrong
	case reply.lifetime == 0 && !c.ExpiresInRemains:
		reply.lifetime = forever
	}
	return reply, ""
}

// fields are a reply's members, as JSON values.
type fields map[string]json.RawMessage

// parseFields reads a JSON object whatever the Content-Type says, or a form
// when it says so (or says plain text). On failure it says what the body is.
func parseFields(body []byte, contentType string) (fields, string) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff")))
	if len(body) == 0 {
		return nil, "the reply is empty"
	}
	if body[0] == '{' {
		var f fields
		if json.Unmarshal(body, &f) != nil {
			return nil, "the reply is broken JSON"
		}
		return f, ""
	}
	media, _, _ := mime.ParseMediaType(contentType)
	if media == "application/x-www-form-urlencoded" || media == "text/plain" {
		form, err := url.ParseQuery(string(body))
		if err == nil && (form.Has("access_token") || form.Has("error")) {
			f := fields{}
			for name := range form {
				f[name], _ = json.Marshal(form.Get(name))
			}
			return f, ""
		}
	}
	return nil, "the reply is neither a JSON object nor a form; is the token endpoint's URL right?"
}

func (f fields) has(name string) bool {
	raw, ok := f[name]
	return ok && string(raw) != "null"
}

// text is a member that is a JSON string, or empty.
func (f fields) text(name string) string {
	var s string
	_ = json.Unmarshal(f[name], &s)
	return s
}

// seconds is a member that is a number of seconds, as a number or a string.
// Missing or null is forever, more than a year is a year, less than nothing is
// refused.
func (f fields) seconds(name string) (time.Duration, bool) {
	if !f.has(name) {
		return forever, true
	}
	figure := string(f[name])
	if figure[0] == '"' {
		figure = strings.TrimSpace(f.text(name))
	}
	if figure == "" || figure[0] != '-' && (figure[0] < '0' || figure[0] > '9') || !json.Valid([]byte(figure)) {
		return 0, false
	}
	s, _ := strconv.ParseFloat(figure, 64) // too large a figure is +Inf
	switch {
	case s < 0:
		return 0, false
	case s >= maxLifetime.Seconds():
		return maxLifetime, true
	}
	d := time.Duration(s * float64(time.Second))
	if s > 0 {
		d = max(d, 1) // 0 has a meaning of its own
	}
	return d, true
}

// parseRetryAfter reads seconds or an HTTP date (RFC 9110 §10.2.3), up to an
// hour. What it cannot read is zero.
func parseRetryAfter(value string, now time.Time) time.Duration {
	if value == "" {
		return 0
	}
	if strings.Trim(value, "0123456789") == "" {
		s, _ := strconv.ParseUint(value, 10, 64) // the largest there is, if it is larger
		return time.Duration(min(s, uint64(maxRetryAfter/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, min(at.Sub(now), maxRetryAfter))
	}
	return 0
}

// visible reports whether s is visible ASCII and not empty: what a header can
// carry as one word.
func visible(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}
