package authtrip

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

const fleetForm = 1

// fleetToken is what the Store keeps of a client's token, as JSON.
type fleetToken struct {
	Form        int    `json:"form"` // fleetForm
	AccessToken string `json:"access_token"`
	SentAt      int64  `json:"sent_at"`            // milliseconds since 1970; before it was asked for
	Lifetime    int64  `json:"lifetime,omitempty"` // milliseconds from then; 0: unknown
	// Reissued says that it was asked for because another was rejected.
	Reissued bool `json:"reissued,omitempty"`
	// Rejected says that a server rejected the token and no other was to be had:
	// whoever needs one asks for another, and goes on with this if there is none.
	Rejected bool `json:"rejected,omitempty"`
}

// Format keeps the token out of dumps.
func (*fleetToken) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// String does what Format does, for dumpers that know only Stringer.
func (*fleetToken) String() string { return redacted }

func newFleetToken(sentAt instant, reply *tokenReply, reissued bool) *fleetToken {
	t := &fleetToken{Form: fleetForm, AccessToken: reply.token, SentAt: sentAt.wall / int64(time.Millisecond), Reissued: reissued}
	if reply.lifetime != forever {
		t.Lifetime = max(1, reply.lifetime.Milliseconds())
	}
	return t
}

// follows is told what the Store has. The same token, given again, ends when it
// was to end, if it has not.
func (t *fleetToken) follows(found *fleetToken) {
	if found == nil || found.AccessToken != t.AccessToken {
		return
	}
	t.Rejected = found.Rejected
	if left := found.SentAt + found.Lifetime - t.SentAt; found.Lifetime != 0 && left > 0 && (t.Lifetime == 0 || left < t.Lifetime) {
		t.Lifetime = left
	}
}

// decodeFleetToken returns nil for what is none, which is written over.
func decodeFleetToken(value []byte) *fleetToken {
	var t fleetToken
	if json.Unmarshal(value, &t) != nil || t.Form != fleetForm || !visible(t.AccessToken) || t.SentAt <= 0 || t.Lifetime < 0 ||
		t.SentAt > maxMillis || t.Lifetime > maxLifetime.Milliseconds() {
		return nil
	}
	return &t
}

const maxMillis = int64(forever / time.Millisecond)

func (t *fleetToken) encode() []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(t) // strings and numbers: it cannot fail
	return bytes.TrimSpace(b.Bytes())
}

// age is how long ago the token was asked for. Another machine's clock may be
// ahead.
func (t *fleetToken) age(now instant) time.Duration {
	return max(0, time.Duration(now.wall)-time.Duration(t.SentAt)*time.Millisecond)
}

// lifetime is counted from SentAt, as usable is.
func (t *fleetToken) lifetime() time.Duration {
	if t.Lifetime == 0 {
		return forever
	}
	return time.Duration(t.Lifetime) * time.Millisecond
}

func (t *fleetToken) usable() time.Duration {
	if t.Lifetime == 0 {
		return forever
	}
	return usablePart(t.lifetime())
}

// left is how long the Store has to keep the token.
func (t *fleetToken) left(now instant) time.Duration {
	if t.Lifetime == 0 {
		return maxLifetime
	}
	return max(time.Millisecond, t.usable()-t.age(now))
}

// stale reports whether it is time to renew the token.
func (t *fleetToken) stale(now instant, renewAt float64) bool {
	return t.Lifetime != 0 && float64(t.age(now)) >= float64(t.lifetime())*renewAt
}

// reply is the token if it may still be used, and when it was asked for.
func (t *fleetToken) reply(now instant) (at instant, reply *tokenReply) {
	if t == nil {
		return at, nil
	}
	age := t.age(now)
	if age >= t.usable() {
		return at, nil
	}
	at = instant{mono: now.mono - int64(age), wall: now.wall - int64(age)}
	return at, &tokenReply{token: t.AccessToken, lifetime: t.usable(), stored: true, reissued: t.Reissued}
}
