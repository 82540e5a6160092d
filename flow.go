package authtrip

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"
)

// flowLifetime is how long a user may take from AuthCodeURL to the callback.
const flowLifetime = time.Hour

// Flow is one user's way through the authorization page, from
// [Source.AuthCodeURL] to [Source.Exchange]: its state and its proof key. Keep
// it in that user's session, and nowhere that another user can write to: it
// says that the callback belongs to the session. It is bound to the
// registration and to no principal, who may be known at the callback only. It
// marshals to text, JSON and
// binary, and prints as "[redacted]". The zero Flow is none.
//
// A Flow is good for one Exchange, within an hour. It is safe for concurrent
// use and never changes.
type Flow struct {
	// Its text, behind a pointer, so that fmt does not show it: see Secret.
	text *string
}

// flowText is what the text of a Flow says.
type flowText struct {
	Registration string `json:"r"`
	State        string `json:"s"`
	Verifier     string `json:"v,omitempty"` // RFC 7636 §4.1
	Begun        int64  `json:"t"`           // seconds since 1970
}

// Format implements [fmt.Formatter] and prints "[redacted]" for every verb.
func (Flow) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// String returns "[redacted]".
func (Flow) String() string { return redacted }

// LogValue implements [slog.LogValuer].
func (Flow) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements [encoding.TextMarshaler]. The text is fit for a
// cookie's value; it is a secret of the user's session.
func (f Flow) MarshalText() ([]byte, error) {
	if f.text == nil {
		return []byte{}, nil
	}
	return []byte(*f.text), nil
}

// UnmarshalText implements [encoding.TextUnmarshaler]. Empty text makes the
// zero Flow.
func (f *Flow) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		f.text = nil
		return nil
	}
	s := string(text)
	got := Flow{&s}
	if _, err := got.read(); err != nil {
		return err
	}
	*f = got
	return nil
}

// MarshalBinary implements [encoding.BinaryMarshaler], for gob. It is
// MarshalText.
func (f Flow) MarshalBinary() ([]byte, error) { return f.MarshalText() }

// UnmarshalBinary implements [encoding.BinaryUnmarshaler]. It is UnmarshalText.
func (f *Flow) UnmarshalBinary(data []byte) error { return f.UnmarshalText(data) }

func newFlow(c *client) (Flow, *flowText) {
	t := &flowText{Registration: c.ID, State: rand.Text(), Begun: time.Now().Unix()}
	if !c.NoPKCE {
		t.Verifier = rand.Text() + rand.Text() // 52 characters, 260 bits
	}
	b, _ := json.Marshal(t) // strings and a number: it cannot fail
	text := base64.RawURLEncoding.EncodeToString(b)
	return Flow{&text}, t
}

func (f Flow) read() (*flowText, error) {
	if f.text == nil {
		return nil, errors.New("the Flow is empty: keep the one that AuthCodeURL returned in the user's session")
	}
	var t flowText
	b, err := base64.RawURLEncoding.DecodeString(*f.text)
	if err != nil || json.Unmarshal(b, &t) != nil || t.State == "" {
		return nil, errors.New("authtrip: this is no Flow that was marshalled")
	}
	return &t, nil
}

// key is where the Store marks the flow as used.
func (t *flowText) key() string {
	return fmt.Sprintf("flow/%x", sha256.Sum256([]byte(t.State)))
}

// AuthCodeURL returns the URL to send a user's browser to, and the Flow that
// [Source.Exchange] needs when the user comes back (RFC 6749 §4.1.1). State is
// made, and a proof key (RFC 7636, S256) unless the registration says NoPKCE.
// The grant must be AuthorizationCode, and the registration have an
// AuthorizationEndpoint. It makes no call, but waits for Registration.Credentials
// where that is set: until ctx ends, Close is called or the FetchTimeout is over.
func (s *Source) AuthCodeURL(ctx context.Context) (string, Flow, error) {
	e, err := s.entryFor(ctx)
	if err != nil {
		return "", Flow{}, err
	}
	c := e.client
	if err := c.mustBeAuthorizationCode(); err != nil {
		return "", Flow{}, e.fail(err)
	}
	if c.AuthorizationEndpoint.URL == "" {
		return "", Flow{}, e.fail(errors.New("the registration has no AuthorizationEndpoint: set it to send users there"))
	}
	if ctx.Err() != nil {
		return "", Flow{}, e.fail(leaving(ctx))
	}
	bounded, cancel := e.client.manager.bound(ctx)
	defer cancel()
	cred, err := contained(bounded, func() (credentials, error) { return c.credentials(bounded, nil) })
	if err != nil {
		return "", Flow{}, e.fail(&configError{"Credentials", err})
	}
	u, err := url.Parse(c.AuthorizationEndpoint.URL)
	if err != nil {
		return "", Flow{}, e.fail(err)
	}
	flow, says := newFlow(c)
	q := u.Query()
	q.Set("response_type", "code")
	q.Set("client_id", cred.id)
	q.Set("state", says.State)
	if c.RedirectURI != "" {
		q.Set("redirect_uri", c.RedirectURI)
	}
	if len(c.Scopes) > 0 {
		q.Set("scope", strings.Join(c.Scopes, " "))
	}
	if says.Verifier != "" {
		sum := sha256.Sum256([]byte(says.Verifier))
		q.Set("code_challenge", base64.RawURLEncoding.EncodeToString(sum[:]))
		q.Set("code_challenge_method", "S256")
	}
	u.RawQuery = q.Encode()
	return u.String(), flow, nil
}

func (c *client) mustBeAuthorizationCode() error {
	if c.Grant == AuthorizationCode {
		return nil
	}
	return fmt.Errorf("the registration's grant is %s, which has no authorization code: set Grant to AuthorizationCode", c.Grant)
}

// redeems checks that a callback (RFC 6749 §4.1.2) belongs to the flow, and
// returns the parameters of the token request for its code.
func (t *flowText) redeems(c *client, callback url.Values) (url.Values, error) {
	switch {
	case t.Registration != c.ID:
		return nil, fmt.Errorf("the Flow was begun for registration %q", t.Registration)
	case t.ended(time.Now()):
		return nil, fmt.Errorf("the Flow was begun more than %v ago: send the user through AuthCodeURL again", flowLifetime)
	}
	for _, name := range []string{"state", "code", "iss", "error"} {
		if len(callback[name]) > 1 {
			return nil, fmt.Errorf("the callback has several parameters %q", name)
		}
	}
	// The server may put any of what it was sent into what it says.
	secrets := append([]string{t.State, t.Verifier, c.ClientSecret.Reveal()}, callback["code"]...)
	if known := c.known.Load(); known != nil {
		secrets = append(secrets, known.secret.Reveal())
	}
	switch state, iss := callback.Get("state"), callback.Get("iss"); {
	case state == "":
		return nil, errors.New("the callback has no state: it is not the answer to AuthCodeURL")
	case subtle.ConstantTimeCompare([]byte(state), []byte(t.State)) != 1:
		return nil, errors.New("the callback's state is not the Flow's: it belongs to another session, or is forged")
	case c.Issuer != "" && iss == "":
		return nil, errors.New("the callback has no iss, and the registration names an Issuer (RFC 9207): leave Issuer empty if the server sends none")
	case c.Issuer != "" && iss != c.Issuer:
		return nil, fmt.Errorf("the callback's iss is %q, not the registration's Issuer (RFC 9207): the answer comes from another server", said(iss, secrets, 100))
	}
	if code := callback.Get("error"); code != "" {
		return nil, &ServerError{
			Registration: c.ID, Server: c.authorizationServer,
			Code: said(code, secrets, 64), Description: said(callback.Get("error_description"), secrets, 200),
		}
	}
	code := callback.Get("code")
	if code == "" {
		return nil, errors.New("the callback has neither a code nor an error")
	}
	params := c.codeRequest(code)
	if t.Verifier != "" {
		params.Set("code_verifier", t.Verifier)
	}
	if c.SendState {
		params.Set("state", t.State)
	}
	return params, nil
}

// ended reports whether the flow took too long. A clock that was set back a
// little is no reason to refuse it.
func (t *flowText) ended(now time.Time) bool {
	return now.Sub(time.Unix(t.Begun, 0)) > flowLifetime
}

// codeRequest is the token request of RFC 6749 §4.1.3.
func (c *client) codeRequest(code string) url.Values {
	params := url.Values{"grant_type": {string(AuthorizationCode)}, "code": {code}}
	if c.RedirectURI != "" {
		params.Set("redirect_uri", c.RedirectURI)
	}
	return params
}
