package authtrip

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The states a caller may want to tell apart, with [errors.Is]; they are found
// through [net/url.Error] too.
var (
	// ErrCircuitOpen: the authorization server failed repeatedly and is not
	// called for now. [RetryAfter] says for how long. Its Timeout is false.
	ErrCircuitOpen = errors.New("circuit open: the authorization server is failing and is not called for now")
	// ErrInsecure: the request, or the token endpoint, uses plain http to a
	// host that is neither loopback nor named in Registration.AllowHTTP.
	ErrInsecure = errors.New("refused: plain http would show the token to the network; use https, or name the host in Registration.AllowHTTP")
	// ErrClosed: the Source or Manager was closed.
	ErrClosed = errors.New("closed")
	// ErrAuthorizationRequired: the principal has granted nothing, or what was
	// granted has ended. Send the user through Source.AuthCodeURL. The
	// *ServerError that said so, if one did, is in the chain too.
	ErrAuthorizationRequired = errors.New("authorization required: the user must grant access, for the first time or again")

	// ErrNotFound, from a Store: it has no record under the key.
	ErrNotFound = errors.New("not found in the Store")
	// ErrConflict, from a Store: the record was changed by somebody else
	// meanwhile.
	ErrConflict = errors.New("changed in the Store by somebody else")
)

// ServerError is what an authorization server said instead of a token: an
// OAuth 2.0 error (RFC 6749 §5.2), another status, or a reply that is no token
// reply. Find it with [errors.As]. It never holds the reply itself.
type ServerError struct {
	Registration string        // ID of the registration
	Server       string        // scheme, host and port
	Status       int           // HTTP status of the reply; 0 when the error came in the callback of Source.Exchange
	Code         string        // the "error" of RFC 6749 §5.2, such as "invalid_client"; empty when the reply had none
	Description  string        // the server's "error_description", cut to 200 characters; or what is wrong with a reply that has no Code
	RetryAfter   time.Duration // from the Retry-After header; zero when there was none

	unreadable bool // no token reply at all: HTML, empty, cut off
}

// Error says which registration and server, what the server answered, and what
// to do about it where the reader can do something.
func (e *ServerError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "authtrip: registration %q at %s: ", e.Registration, e.Server)
	if e.Code != "" {
		b.WriteString(e.Code)
		if e.Description != "" {
			b.WriteString(": " + e.Description)
		}
	} else {
		b.WriteString(e.Description)
	}
	if e.Status != 0 {
		fmt.Fprintf(&b, " (HTTP %d)", e.Status)
	}
	if hint := hints[e.Code]; hint != "" {
		b.WriteString("; " + hint)
	}
	return b.String()
}

// hints says what a reader can do about the errors of RFC 6749 §5.2.
var hints = map[string]string{
	"invalid_client":         "check the client id and secret",
	"unauthorized_client":    "the client may not use this grant: check its settings at the server",
	"unsupported_grant_type": "the server does not know this grant: check TokenEndpoint",
	"invalid_scope":          "check Scopes",
	"invalid_request":        "check Params and ClientAuth",
	"invalid_grant":          "the code or refresh token was used already, has expired or was revoked, or belongs to another client or redirect URI",
}

// passing reports whether the same request may succeed a moment later.
func (e *ServerError) passing() bool { return e.Status >= 500 }

// refusal reports whether the server works and said no to this client. A 429 or
// a 401 says so without a body that can be read, as gateways answer.
func (e *ServerError) refusal() bool {
	return !e.passing() && (!e.unreadable || e.Status == http.StatusTooManyRequests || e.Status == http.StatusUnauthorized)
}

// wait is how long to leave the server alone, when it said so: its own figure,
// but a minute at most for trouble that is likely to end sooner.
func (e *ServerError) wait() time.Duration {
	if e.passing() {
		return min(e.RetryAfter, maxGate)
	}
	return e.RetryAfter
}

// RetryAfter returns how long err asks its reader to wait before the next
// try: until an open circuit is probed, until a remembered failure is
// forgotten, or what the server's Retry-After said. It reports false when err
// says nothing of the kind.
func RetryAfter(err error) (time.Duration, bool) {
	if w, ok := errors.AsType[interface {
		error
		retryAfter() time.Duration
	}](err); ok {
		return w.retryAfter(), true
	}
	if s, ok := errors.AsType[*ServerError](err); ok && s.RetryAfter > 0 {
		return s.wait(), true
	}
	return 0, false
}

// at says which registration and server an error is about.
type at struct {
	registration, server string
	err                  error
}

func (e *at) Error() string {
	return fmt.Sprintf("authtrip: registration %q at %s: %v", e.registration, e.server, e.err)
}
func (e *at) Unwrap() error { return e.err }
func (e *at) Timeout() bool { return timedOut(e.err) }

// circuitOpen is ErrCircuitOpen with the time to come back. It keeps the text
// of the failure before it but not the failure: that may have been a time-out,
// and this is none.
type circuitOpen struct {
	wait time.Duration
	last string
}

func (e *circuitOpen) Error() string {
	return fmt.Sprintf("%v (next probe in %v; last failure: %s)", ErrCircuitOpen, e.wait.Round(time.Millisecond), e.last)
}
func (e *circuitOpen) Is(target error) bool      { return target == ErrCircuitOpen }
func (e *circuitOpen) Timeout() bool             { return false }
func (e *circuitOpen) retryAfter() time.Duration { return e.wait }

// remembered is a failure that is not tried again yet.
type remembered struct {
	err  error
	wait time.Duration
}

func (e *remembered) Error() string {
	return fmt.Sprintf("%v; not tried again for %v", e.err, e.wait.Round(time.Millisecond))
}
func (e *remembered) Unwrap() error             { return e.err }
func (e *remembered) Timeout() bool             { return timedOut(e.err) }
func (e *remembered) retryAfter() time.Duration { return e.wait }

// left is a caller's own context's end while it waited for a token.
type left struct{ err, cause error }

func leaving(ctx context.Context) error {
	return &left{err: ctx.Err(), cause: context.Cause(ctx)}
}

func (e *left) Error() string   { return "waiting for a token: " + e.cause.Error() }
func (e *left) Unwrap() []error { return []error{e.err, e.cause} }
func (e *left) Timeout() bool   { return errors.Is(e.err, context.DeadlineExceeded) }

// callError is a token call that brought no reply.
type callError struct {
	text    string
	err     error            // in the chain, unless it shows a secret
	is      func(error) bool // then it answers errors.Is from here: fmt opens no func
	timeout bool
	dialing bool // there was no connection: nothing was sent
}

func (e *callError) Error() string        { return e.text }
func (e *callError) Unwrap() error        { return e.err }
func (e *callError) Is(target error) bool { return e.is != nil && e.is(target) }
func (e *callError) Timeout() bool        { return e.timeout }

// newCallError describes err, which a transport returned, without the secrets
// that were in the request, and without what net/http repeats of an answer that
// is no HTTP.
func newCallError(what string, err error, secrets []string) error {
	return describe(what, err, func(text string) string { return scrub(withoutReply(text), secrets) })
}

// describe is err with its text cleaned, on one line, and cut in the middle
// where it is long. If err, or one that it wraps, shows what cleaning takes
// away, it is not in the chain: errors.Is finds it, and errors.As does not.
func describe(what string, err error, clean func(string) string) *callError {
	op, _ := errors.AsType[*net.OpError](err)
	text := []rune(clean(oneLine(clean(beginning(err.Error())))))
	if len(text) > 600 {
		text = slices.Concat(text[:400], []rune(" … "), text[len(text)-150:])
	}
	e := &callError{text: what + string(text), err: err, timeout: timedOut(err), dialing: op != nil && op.Op == "dial"}
	patience := 100
	if shows(err, clean, &patience) {
		e.err, e.is = nil, func(target error) bool { return errors.Is(err, target) }
	}
	return e
}

// shows reports whether err, or what it wraps, is cleaned of anything; in doubt,
// where there is more than patience, it does.
func shows(err error, clean func(string) string, patience *int) bool {
	if err == nil {
		return false
	}
	if *patience--; *patience < 0 {
		return true
	}
	text := err.Error()
	if line := oneLine(text); len(text) > 2*longest || clean(text) != text || line != text && clean(line) != line {
		return true
	}
	switch err := err.(type) {
	case interface{ Unwrap() error }:
		return shows(err.Unwrap(), clean, patience)
	case interface{ Unwrap() []error }:
		for _, e := range err.Unwrap() {
			if shows(e, clean, patience) {
				return true
			}
		}
	}
	return false
}

// oneLine is text without what may have hidden a secret in it.
func oneLine(text string) string { return printable(strings.Join(strings.Fields(text), " ")) }

// noAnswer is the error of a call whose context ended before it did.
func noAnswer(ctx context.Context) error {
	text := "given up before there was an answer: "
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		text = "no answer in time: "
	}
	err := ctx.Err()
	if cause := context.Cause(ctx); cause != err {
		err = fmt.Errorf("%w: %w", err, cause)
	}
	return newCallError("", fmt.Errorf("%s%w", text, err), nil)
}

func timedOut(err error) bool {
	t, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ok && t.Timeout()
}
