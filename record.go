package authtrip

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"
)

// record is what the Store keeps of a login, as JSON.
type record struct {
	Form         int    `json:"form"` // recordForm
	RefreshToken string `json:"refresh_token,omitempty"`
	// The access token that came last: others who share the Store, and this
	// process when it has forgotten or starts anew, need no call for it. Of a
	// grant that came without a refresh token it is all there is.
	AccessToken string `json:"access_token,omitempty"`
	ExpiresAt   int64  `json:"expires_at,omitempty"` // milliseconds since 1970; 0: unknown
	Fingerprint string `json:"fingerprint,omitempty"`
	// Intent is set while somebody redeems the refresh token, or a code.
	Intent *intent `json:"intent,omitempty"`
}

// intent keeps others from redeeming what its owner redeems.
type intent struct {
	Owner string `json:"owner"`
	Until int64  `json:"until"` // milliseconds since 1970: then the owner has died
}

const recordForm = 1

// intentSlack is how much longer than a flight an intent holds.
const intentSlack = 5 * time.Second

// Format keeps the tokens out of dumps.
func (*record) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// String does what Format does, for dumpers that know only Stringer.
func (*record) String() string { return redacted }

func (r *record) empty() bool { return r.RefreshToken == "" && r.AccessToken == "" && r.Intent == nil }

// heldFrom reports whether somebody else is redeeming.
func (r *record) heldFrom(owner string, now time.Time) bool {
	return r.Intent != nil && r.Intent.Owner != owner && now.UnixMilli() < r.Intent.Until
}

// without returns a copy without intent.
func (r *record) without() *record {
	c := *r
	c.Intent = nil
	return &c
}

// lifetime is how long the Store must keep r: for ever, unless what it holds
// ends by itself.
func (r *record) lifetime(now time.Time) time.Duration {
	var until int64
	switch {
	case r.RefreshToken != "" || r.AccessToken != "" && r.ExpiresAt == 0:
		return 0
	case r.AccessToken != "":
		until = r.ExpiresAt
	}
	if r.Intent != nil {
		until = max(until, r.Intent.Until)
	}
	return max(time.Millisecond, time.UnixMilli(until).Sub(now))
}

func (r *record) encode() []byte {
	r.Form = recordForm
	b, _ := json.Marshal(r) // strings and numbers: it cannot fail
	return b
}

func decodeRecord(value []byte) (*record, error) {
	var r record
	if json.Unmarshal(value, &r) != nil || r.Form != recordForm {
		return nil, errors.New("its record of the login cannot be read, and is left as it is: was it written by a newer version, or by another program?")
	}
	return &r, nil
}

// recordOf is the record of what a token call brought, the refresh token that
// is good from now on given by itself.
func recordOf(reply *tokenReply, sentAt instant, refresh, fingerprint string) *record {
	r := &record{RefreshToken: refresh}
	if reply.token == "" { // there was something wrong with it
		return r
	}
	r.AccessToken, r.Fingerprint = reply.token, fingerprint
	if reply.lifetime != forever {
		r.ExpiresAt = time.Unix(0, sentAt.wall).Add(reply.lifetime).UnixMilli()
	}
	return r
}

// reply is the record's access token, if it is one for fingerprint that has not
// expired, or nil.
func (r *record) reply(fingerprint string, now time.Time) *tokenReply {
	if r.AccessToken == "" || r.Fingerprint != fingerprint {
		return nil
	}
	if r.ExpiresAt == 0 {
		return &tokenReply{token: r.AccessToken, lifetime: forever, stored: true}
	}
	left := time.UnixMilli(r.ExpiresAt).Sub(now)
	if left <= 0 {
		return nil
	}
	return &tokenReply{token: r.AccessToken, lifetime: left, stored: true}
}

// loginKey is where the Store keeps a login. Registrations and principals may
// hold any bytes.
func loginKey(registration, principal string) string {
	return "login/" + url.PathEscape(registration) + "/" + url.PathEscape(principal)
}
