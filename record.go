package authtrip

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// record is what the Store keeps of a login, as JSON.
type record struct {
	Form int `json:"form"` // recordForm
	// Login names what the user granted once. A refresh leaves it, another code
	// makes another: what somebody still has to do about a login is not done to
	// the next.
	Login string `json:"login,omitempty"`
	// Refreshes counts them: of two records of a login it says which is newer,
	// should the Store come back as it was a while ago.
	Refreshes    uint64 `json:"refreshes,omitempty"`
	RefreshToken string `json:"refresh_token,omitempty"`
	// The access token that came last: others who share the Store, and this
	// process when it has forgotten or starts anew, need no call for it. Of a
	// grant that came without a refresh token it is all there is.
	AccessToken string `json:"access_token,omitempty"`
	UsableUntil int64  `json:"usable_until,omitempty"` // milliseconds since 1970; 0: unknown
	Fingerprint string `json:"fingerprint,omitempty"`
	// Given is the digest of what Registration.RefreshToken gave, which is not
	// begun with again.
	Given string `json:"given,omitempty"`
	// Ended says that the login was, by its user or by the server: whoever
	// still has something of it must not bring it back. Untold is what the
	// server does not know yet.
	Ended  bool         `json:"ended,omitempty"`
	Untold []revocation `json:"untold,omitempty"`
	// Intent is set while somebody redeems the refresh token, or a code.
	Intent *intent `json:"intent,omitempty"`
}

// intent keeps others from redeeming what its owner redeems.
type intent struct {
	Owner string `json:"owner"`
	// Milliseconds since 1970: when it began, and when the owner has died.
	From  int64 `json:"from"`
	Until int64 `json:"until"`
}

// revocation is a token that the server has yet to be told the end of.
type revocation struct {
	Token string `json:"token"`
	Hint  string `json:"hint"` // RFC 7009 §2.1
}

const (
	recordForm = 1
	// intentSlack is how much longer than what it announces an intent holds.
	intentSlack = 5 * time.Second
	// endedFor is how long the Store remembers that a login has ended.
	endedFor = 24 * time.Hour
)

// Format keeps the tokens out of dumps.
func (*record) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// String does what Format does, for dumpers that know only Stringer.
func (*record) String() string { return redacted }

// secrets are what no error may show.
func (r *record) secrets() []string {
	secrets := []string{r.RefreshToken, r.AccessToken}
	for _, u := range r.Untold {
		secrets = append(secrets, u.Token)
	}
	return secrets
}

func (r *record) empty() bool {
	return r.Login == "" && r.RefreshToken == "" && r.AccessToken == "" && !r.Ended && r.Intent == nil
}

// heldFrom reports whether somebody else is redeeming. An intent that is yet to
// begin was written by a clock that is wrong.
func (r *record) heldFrom(owner string, now time.Time) bool {
	return r.Intent != nil && r.Intent.Owner != owner &&
		now.UnixMilli() < r.Intent.Until && time.UnixMilli(r.Intent.From).Sub(now) < intentSlack
}

// free returns a copy without intent.
func (r *record) free() *record {
	c := *r
	c.Intent = nil
	return &c
}

// ended is what is left when the server has ended the login. A record of none
// stays as it is.
func (r *record) ended() *record {
	if r.Login == "" {
		return r.free()
	}
	return &record{Login: r.Login, Given: r.Given, Ended: true}
}

// revoked is what is left when its user has ended the login, and the server is
// to be told.
func (r *record) revoked() *record {
	next := r.ended()
	if r.Ended {
		next.Untold = r.Untold
	}
	for _, u := range []revocation{{r.RefreshToken, "refresh_token"}, {r.AccessToken, "access_token"}} {
		if u.Token != "" {
			next.Untold = append(next.Untold, u)
		}
	}
	return next
}

// with is the record after a token call: what it brought, and the refresh token
// that is good from now on.
func (r *record) with(reply *tokenReply, sentAt instant, refresh, fingerprint string) *record {
	next := &record{Login: r.Login, Refreshes: r.Refreshes + 1, RefreshToken: refresh, Given: r.Given}
	if reply.token == "" { // there was something wrong with it
		return next
	}
	next.AccessToken, next.Fingerprint = reply.token, fingerprint
	if reply.lifetime != forever {
		next.UsableUntil = time.Unix(0, sentAt.wall).Add(usablePart(reply.lifetime)).UnixMilli()
	}
	return next
}

// reply is the record's access token, if it is one for fingerprint that may
// still be used, or nil.
func (r *record) reply(fingerprint string, now time.Time) *tokenReply {
	if r.AccessToken == "" || r.Fingerprint != fingerprint {
		return nil
	}
	left := forever
	if r.UsableUntil != 0 {
		if left = time.UnixMilli(r.UsableUntil).Sub(now); left <= 0 {
			return nil
		}
	}
	return &tokenReply{token: r.AccessToken, lifetime: left, stored: true, usable: true}
}

// lifetime is how long the Store must keep r; 0 is for ever.
func (r *record) lifetime(now time.Time) time.Duration {
	switch {
	case r.RefreshToken != "" || r.Intent != nil || r.Given != "":
		return 0
	case r.Ended:
		return endedFor
	case r.UsableUntil == 0:
		return 0
	}
	return max(time.Millisecond, time.UnixMilli(r.UsableUntil).Sub(now))
}

func (r *record) encode() []byte {
	r.Form = recordForm
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // so that a token is found in an error that repeats the record
	_ = enc.Encode(r)        // strings and numbers: it cannot fail
	return bytes.TrimSpace(b.Bytes())
}

func decodeRecord(value []byte) (*record, error) {
	var r record
	if json.Unmarshal(value, &r) != nil || r.Form != recordForm {
		return nil, errors.New("its record of the login cannot be read, and is left as it is: was it written by a newer version, or by another program?")
	}
	return &r, nil
}

// digest stands for a token that must not be kept.
func digest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// loginKey is where the Store keeps a login. Registrations and principals may
// hold any bytes.
func loginKey(registration, principal string) string {
	return "login/" + keyPart(registration) + "/" + keyPart(principal)
}

// keyPart is text that is neither a path of its own nor a step of one.
func keyPart(text string) string { return strings.ReplaceAll(url.PathEscape(text), ".", "%2E") }
