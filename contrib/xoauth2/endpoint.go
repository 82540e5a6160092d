package xoauth2

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/authtrip/authtrip"
)

// FromTokenSource returns a registration whose tokens come from ts: a vendor's
// TokenSource, or one's own. Set Origins and the like on it, and leave the rest
// as it is: ts asks for what it was made for, so that Scopes, Params, another
// Grant or a RevocationEndpoint are answered with an error. An empty id or a
// nil ts is an error. No call is made yet.
//
// The registration has a circuit breaker of its own. An [oauth2.RetrieveError]
// of ts, wrapped or not, becomes the *[authtrip.ServerError] that its server's
// reply stands for, with status, code, description and Retry-After. Another error
// is handled as the network's, and is in the chain of what callers get, text
// included: what a TokenSource writes there is in its hands.
//
// At most one call of ts.Token is under way, however long it takes: it has no
// context, so that callers, and a token call after its time, leave it alone, and
// the next one waits for it and takes its answer. A panic in it becomes an
// error. Make ts with a context that does not end.
//
// What ts keeps is a question to ask of it. One that returns the token it has
// until it expires, as [oauth2.ReuseTokenSource] does and with it nearly every
// TokenSource of x/oauth2, has no other to give when a server rejects that one:
// the caller gets the rejection, and ts is asked again after 1 s, 2 s, … 60 s.
// Pass the TokenSource inside it if you can, or, for a Config of x/oauth2, use
// [FromClientCredentials] or [FromConfig].
func FromTokenSource(id string, ts oauth2.TokenSource) (authtrip.Registration, error) {
	var faults []error
	if id == "" {
		faults = append(faults, errors.New("xoauth2: the id is empty: name the registration"))
	}
	if ts == nil {
		faults = append(faults, fmt.Errorf("xoauth2: registration %q: the TokenSource is nil", id))
	}
	if err := errors.Join(faults...); err != nil {
		return authtrip.Registration{}, err
	}
	return authtrip.Registration{
		ID: id, ClientID: id, ClientAuth: authtrip.ClientAuthNone,
		TokenEndpoint:    authtrip.Endpoint{URL: "https://" + hostFor(id)},
		TokenTransport:   &endpoint{id: id, kind: fmt.Sprintf("%T", ts), ask: ts.Token, turn: make(chan struct{}, 1)},
		ExpiresInRemains: true,
	}, nil
}

// hostFor is a host name that nobody else's registration has and that does not
// exist (RFC 2606 §2). Case is escaped too, for it does not count in host names.
func hostFor(id string) string {
	var b strings.Builder
	for _, c := range []byte(id) {
		if 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '.' {
			b.WriteByte(c)
		} else {
			_, _ = fmt.Fprintf(&b, "_%02x", c)
		}
	}
	return b.String() + ".tokensource.invalid"
}

// endpoint is a token endpoint, seen from the side of whoever calls it, that
// has a TokenSource instead of a server.
type endpoint struct {
	id, kind string
	ask      func() (*oauth2.Token, error) // ts.Token; fmt opens no func

	turn chan struct{} // holds one while ask is under way
	late *answer       // guarded by turn; one that its caller did not wait for
}

var _ http.RoundTripper = (*endpoint)(nil)

// answer is what ask returned, and when.
type answer struct {
	token *oauth2.Token
	err   error
	at    time.Time
}

// RoundTrip implements [http.RoundTripper].
func (e *endpoint) RoundTrip(req *http.Request) (*http.Response, error) {
	if !asksForTheToken(req) {
		return errorReply(req, &oauth2.RetrieveError{
			ErrorCode:        "invalid_request",
			ErrorDescription: "a TokenSource gives the token it was made for: leave Scopes, Params, Grant and RevocationEndpoint of its registration empty",
		}), nil
	}
	tok, err := e.token(req.Context())
	if said, ok := errors.AsType[*oauth2.RetrieveError](err); ok && said != nil {
		return errorReply(req, said), nil
	}
	if err != nil {
		return nil, err
	}
	return tokenReply(req, tok), nil
}

// asksForTheToken reports whether req is the plain request of the client
// credentials grant. Any other, answered with the token, would pass it off as
// something that it is not: a user's, or one with other scopes. It closes the
// body.
func asksForTheToken(req *http.Request) bool {
	if req.Body == nil {
		return false
	}
	defer req.Body.Close() //nolint:errcheck // it was only read
	body, err := io.ReadAll(io.LimitReader(req.Body, 64<<10))
	if err != nil {
		return false
	}
	params, err := url.ParseQuery(string(body))
	if err != nil {
		return false
	}
	for name := range params {
		if name != "grant_type" && name != "client_id" {
			return false
		}
	}
	return params.Get("grant_type") == string(authtrip.ClientCredentials)
}

// token asks, on this goroutine: the core runs it on one that may
// panic, and leaves it alone when ctx ends. Whoever comes meanwhile waits, and
// gets what that call brings.
func (e *endpoint) token(ctx context.Context) (*oauth2.Token, error) {
	came := time.Now()
	select {
	case e.turn <- struct{}{}:
		defer func() { <-e.turn }()
	case <-ctx.Done():
		return nil, fmt.Errorf("an earlier call of the TokenSource (%s) has not returned yet: %w", e.kind, ctx.Err())
	}
	late := e.late
	e.late = nil
	if late != nil && late.at.After(came) {
		return late.token, late.err
	}
	tok, err := e.ask()
	if ctx.Err() != nil {
		e.late = &answer{tok, err, time.Now()}
	}
	return tok, err
}

// Format implements [fmt.Formatter]: what it holds changes while it is printed.
func (e *endpoint) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "xoauth2.FromTokenSource(%q, %s)", e.id, e.kind)
}
