package authtrip

import (
	"fmt"
	"log/slog"
	"math"
	"strings"
	"time"
)

// Token is an access token that a [Source] handed out. It prints as
// "[redacted]"; AccessToken gives the text. The zero Token holds none.
//
// A Token is safe for concurrent use and never changes.
type Token struct{ t *issued }

// AccessToken returns the token as the authorization server issued it, without
// "Bearer". It is empty for the zero Token.
func (t Token) AccessToken() string {
	if t.t == nil {
		return ""
	}
	return t.t.text.token
}

// Expiry returns when the Source stops using the token: a little before the
// server's own figure, which is counted from before the token was asked for.
// It is zero when the server gave no lifetime.
func (t Token) Expiry() time.Time {
	if t.t == nil || t.t.usableFor == forever {
		return time.Time{}
	}
	return time.Unix(0, t.t.at.wall).Add(t.t.usableFor)
}

// Format implements [fmt.Formatter] and prints "[redacted]" for every verb.
func (Token) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// String returns "[redacted]".
func (Token) String() string { return redacted }

// LogValue implements [slog.LogValuer].
func (Token) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements [encoding.TextMarshaler] and returns "[redacted]".
func (Token) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// forever is the lifetime of a token whose server gave none.
const forever = time.Duration(math.MaxInt64)

// standing is what is known against a token.
type standing uint8

const (
	good    standing = iota
	suspect          // rejected once; whoever needs a token waits for another
	kept             // rejected, but no other token could be had: it goes on being sent
)

// issued is one access token and what is known of it. It never changes once
// it is published: a change of state publishes a copy, so that readers need no
// lock.
type issued struct {
	text *tokenText
	at   instant // read before the token request was sent

	freshFor  time.Duration // from at; then a renewal runs behind the requests
	usableFor time.Duration // from at; then requests wait for another token
	// freshOnceSaved is freshFor to be: it is 0 until the refresh token that
	// came with this one is in the Store, so that every use asks.
	freshOnceSaved time.Duration
	standing       standing
	// heldUntil (monotonic) is set when the server, asked for a newer token
	// after usableFor, gave this one again: its word counts for that long.
	heldUntil int64
	heldFor   time.Duration // how long that was, when the server said that no time is left
}

// tokenText is what must not be shown. Others point to it, and not to a
// struct around it that fmt might open: fmt ignores the methods of unexported
// fields, and of everything when the verb is wrong.
type tokenText struct {
	token string
	// header holds the one ready header value. It is shared by every request
	// that carries the token, and its string is no other's: that is how an
	// inner Transport knows an outer one's work.
	header []string
	// previous is the token before, for one generation: an outer Transport may
	// have attached it just before this one came.
	previous *tokenText
}

// after returns t with what came before it.
func (t *tokenText) after(last *tokenText) *tokenText {
	c := *t
	if last != nil {
		c.previous = &tokenText{token: last.token, header: last.header}
	}
	return &c
}

// newTokenText readies a token for its headers.
func newTokenText(token string, raw bool) *tokenText {
	value := "Bearer " + token
	if raw {
		value = strings.Clone(token)
	}
	return &tokenText{token: token, header: []string{value}}
}

// is reports whether t is the same token as other.
func (t *issued) is(other *issued) bool { return t != nil && t.text.token == other.text.token }

// Format keeps the token out of dumps that follow pointers.
func (*tokenText) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// String does what Format does, for dumpers that know only Stringer.
func (*tokenText) String() string { return redacted }

// fresh reports whether the token may be sent and nothing else is to be done.
func (t *issued) fresh(now instant) bool { return now.since(t.at) < t.freshFor }

// young is fresh, but for what is not saved yet.
func (t *issued) young(now instant) bool { return now.since(t.at) < max(t.freshFor, t.freshOnceSaved) }

// usable reports whether the token may still be sent.
func (t *issued) usable(now instant) bool {
	return now.since(t.at) < t.usableFor || now.mono < t.heldUntil
}

// left is the time until the token is not usable any more.
func (t *issued) left(now instant) time.Duration {
	if t.usableFor == forever {
		return forever
	}
	return max(0, t.usableFor-now.since(t.at))
}

// with returns a copy that stands as s says. Only a good token is fresh.
func (t *issued) with(s standing) *issued {
	c := *t
	c.standing = s
	if s != good {
		c.freshFor, c.freshOnceSaved = 0, 0
	}
	return &c
}

// ages sets the token's two limits from its lifetime. Forever is an unknown
// one: usable until it is rejected. Zero is that of a token at its end, which
// only those who waited for it send. renewAt is the part of the lifetime after
// which it is renewed, spread by spread so that a fleet does not renew at once.
func (t *issued) ages(lifetime time.Duration, renewAt, spread float64) {
	if lifetime == forever {
		t.freshFor, t.usableFor = forever, forever
		return
	}
	t.usableFor = usablePart(lifetime)
	t.freshFor = min(t.usableFor, jitter(time.Duration(float64(lifetime)*renewAt), spread))
}

// usablePart is how much of its lifetime a token is used for.
func usablePart(lifetime time.Duration) time.Duration {
	return lifetime - min(10*time.Second, lifetime/10)
}
