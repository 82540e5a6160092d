package authtrip_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/prism"
)

const (
	callbackCode   = "c0de/CANARY+1"
	callbackSecret = "s3cret/CANARY+2"
	callbackIssuer = "https://auth.example"
)

// FuzzCallback brings back a query that says anything, as it came or with the
// flow's own state, a code and whatever else must not be shown where it says
// STATE, CODE, VERIFIER, SECRET and ISSUER; OTHER is as long as the state. A
// code is redeemed when all is as it must be and otherwise nothing is sent or
// used up, and no error shows any of it.
func FuzzCallback(f *testing.F) {
	for _, query := range []string{
		"state=STATE&code=CODE", "code=CODE&state=STATE&iss=ISSUER", "state=STATE&code=CODE&session_state=x&scope=a+b", "STATE=STATE&CODE=CODE",
		"", "code=CODE", "state=&code=CODE", "state=STATE", "state=STATE&code=", "state=STATEx&code=CODE", "state=OTHER&code=CODE", "state=xSTATE&code=CODE", "state=STATE%00&code=CODE",
		"state=STATE&state=STATE&code=CODE", "state=STATE&state=x&code=CODE", "state=x&state=STATE&code=CODE", "state=STATE&code=CODE&code=x", "state=STATE&code=CODE&code=",
		"state=STATE&code=CODE&iss=", "state=STATE&code=CODE&iss=ISSUER%2F", "state=STATE&code=CODE&iss=ISSUER&iss=https://evil.example", "state=STATE&code=CODE&iss=https://evil.example/%0d%0a",
		"error=access_denied&state=STATE", "error=access_denied&state=x", "error=access_denied", "error=&state=STATE&code=CODE", "error=access_denied&state=STATE&code=CODE&iss=ISSUER",
		"error=a&error=b&state=STATE", "error=server_error&error_description=no+STATE+VERIFIER&error_description=x&state=STATE&iss=ISSUER", "error=%1b[31m%e2%80%ae&error_description=%ff%00STATE&state=STATE",
		"state=STATE&code=%zz", "state=STATE&code=CODE;x=1", "%73tate=STATE&%63ode=CODE", "state=STATE&code=CODE&%zz=1", "state=STATE&code=%ff%00%0d%0a", "+state=STATE&code=CODE", "?state=STATE&code=CODE#x",
		"state=STATE&code=CODE&iss=https://evil.example/?code%3dCODE", "state=STATE&code=CODE&iss=STATE", "error=STATE&state=STATE&iss=ISSUER", "error=CODE&state=STATE&code=CODE&iss=ISSUER",
		"error=x&error_description=CODE&code=CODE&state=STATE&iss=ISSUER", "error=x&error_description=no+SECRET&state=STATE&iss=ISSUER",
		"state=STATE&code=a+b%26grant_type=refresh_token", "state=STATE&code=CODE&grant_type=refresh_token&redirect_uri=https://evil.example&client_id=x",
	} {
		for kind := range uint8(8) {
			f.Add(query, kind)
		}
	}
	f.Fuzz(func(t *testing.T, query string, kind uint8) {
		c := newCallback(t, kind)
		query = strings.NewReplacer("STATE", url.QueryEscape(c.state), "CODE", url.QueryEscape(callbackCode), "VERIFIER", c.verifier,
			"SECRET", url.QueryEscape(callbackSecret), "OTHER", strings.ToLower(c.state), "ISSUER", url.QueryEscape(callbackIssuer)).Replace(query)
		q := (&url.URL{RawQuery: query}).Query() // what a handler does

		single := true
		for _, name := range []string{"state", "code", "iss", "error"} {
			single = single && len(q[name]) <= 1
		}
		belongs := single && q.Get("state") == c.state && (c.r.Issuer == "" || q.Get("iss") == c.r.Issuer)
		redeems := belongs && q.Get("error") == "" && q.Get("code") != ""

		err := c.src.Exchange(t.Context(), c.flow, q)
		if (err == nil) != redeems || err == nil && len(c.calls) != 1 || err != nil && len(c.calls) != 0 {
			t.Fatalf("%d calls, %v; want that it redeems: %v", len(c.calls), err, redeems)
		}
		if err != nil {
			c.shows(t, err, q["code"])
			var said *authtrip.ServerError
			if errors.As(err, &said) != (belongs && q.Get("error") != "") {
				t.Fatalf("%#v: belongs %v, error %q", err, belongs, q.Get("error"))
			}
			// It has not used the flow up.
			q = url.Values{"state": {c.state}, "code": {callbackCode}, "iss": {callbackIssuer}}
			if err := c.src.Exchange(t.Context(), c.flow, q); err != nil || len(c.calls) != 1 {
				t.Fatalf("%d calls, %v after a callback that did not belong to the flow", len(c.calls), err)
			}
		}
		c.mustHaveSent(t, q.Get("code"))
		err = c.src.Exchange(t.Context(), c.flow, q)
		if err == nil || len(c.calls) != 1 {
			t.Fatalf("%d calls, %v: a flow was used twice", len(c.calls), err)
		}
		c.shows(t, err, q["code"])
	})
}

// callback is what one callback is tried with.
type callback struct {
	r               authtrip.Registration
	src             *authtrip.Source
	flow            authtrip.Flow
	state, verifier string
	calls           []url.Values
}

func newCallback(t *testing.T, kind uint8) *callback {
	c := &callback{r: user()}
	if kind&1 != 0 {
		c.r = prism.Registration(prism.Client{ServiceAPIDomain: "https://auth.example", ServiceID: "x", ClientID: "id"})
	}
	c.r.ClientSecret = authtrip.NewSecret(callbackSecret)
	c.r.SendState = kind&2 != 0
	if kind&4 != 0 {
		c.r.Issuer = callbackIssuer
	}
	src, err := authtrip.NewSource(c.r, authtrip.WithTokenTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodPost {
			_ = r.ParseForm()
			c.calls = append(c.calls, r.PostForm)
		} else {
			c.calls = append(c.calls, r.URL.Query())
		}
		return jsonReply(r, 200, map[string]any{"access_token": "a", "token_type": "bearer"}), nil
	})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = src.Close() })
	c.src = src
	if _, c.flow, err = src.AuthCodeURL(t.Context()); err != nil {
		t.Fatal(err)
	}
	text, _ := c.flow.MarshalText()
	says, _ := base64.RawURLEncoding.DecodeString(string(text))
	var flow struct{ S, V string }
	if json.Unmarshal(says, &flow) != nil || flow.S == "" || (flow.V == "") != c.r.NoPKCE {
		t.Fatalf("a Flow of %q", says)
	}
	c.state, c.verifier = flow.S, flow.V
	return c
}

// mustHaveSent checks the one token call: all is in it once, and nothing that
// the callback brought besides its code.
func (c *callback) mustHaveSent(t *testing.T, code string) {
	t.Helper()
	want := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {c.r.RedirectURI}}
	if c.verifier != "" {
		want.Set("code_verifier", c.verifier)
	}
	if c.r.SendState {
		want.Set("state", c.state)
	}
	if got := c.calls[0]; got.Encode() != want.Encode() {
		t.Fatalf("sent %q, want %q", got.Encode(), want.Encode())
	}
}

// shows fails if err shows what it must not, or is unfit for a log. A code that
// the callback did not bring as such cannot be known.
func (c *callback) shows(t *testing.T, err error, codes []string) {
	t.Helper()
	text := err.Error()
	if len([]rune(text)) > 600 || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		t.Fatalf("an error of %d bytes: %q", len(text), text)
	}
	all := fmt.Sprintf("%s %+v %#v", text, err, err)
	secrets := []string{c.state, c.verifier, callbackSecret}
	if slices.Contains(codes, callbackCode) {
		secrets = append(secrets, callbackCode)
	}
	for _, secret := range secrets {
		b := []byte(secret)
		for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret), base64.StdEncoding.EncodeToString(b), base64.RawURLEncoding.EncodeToString(b), hex.EncodeToString(b)} {
			if secret != "" && strings.Contains(all, form) {
				t.Fatalf("it shows %q: %s", form, all)
			}
		}
	}
}
