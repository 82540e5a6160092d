package authtrip

import (
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"
)

// Token is an access token that a [Source] handed out. It prints as
// "[redacted]"; AccessToken gives the text. The zero Token holds none.
//
// A Token is safe for concurrent use and never changes.
type Token struct {
	// An *issued. A typed pointer fmt would open where the methods of a Token
	// do not count: under an unexported field, with a verb that is wrong.
	t unsafe.Pointer
}

func tokenOf(t *issued) Token { return Token{unsafe.Pointer(t)} }

func (t Token) issued() *issued { return (*issued)(t.t) }

// AccessToken returns the token as the authorization server issued it, without
// "Bearer". It is empty for the zero Token.
func (t Token) AccessToken() string {
	if t.t == nil {
		return ""
	}
	return t.issued().token()
}

// Expiry returns when the Source stops using the token: a little before the
// server's own figure, which is counted from before the token was asked for.
// It is zero when the server gave no lifetime.
func (t Token) Expiry() time.Time {
	if t.t == nil || t.issued().usableFor == forever {
		return time.Time{}
	}
	return time.Unix(0, t.issued().at.wall).Add(t.issued().usableFor)
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

// issued is one access token and its ages. It never changes once it is
// published, but for used: a change of state publishes a copy, so that
// readers need no lock. There may be a hundred thousand of them: what few have
// is in notes.
type issued struct {
	// header is the one ready header value, shared by every request that
	// carries the token. Its string is no other's: that is how an inner
	// Transport knows an outer one's work.
	header [1]string
	at     instant // read before the token request was sent

	freshFor  time.Duration // from at; then a renewal runs behind the requests
	usableFor time.Duration // from at; then requests wait for another token
	used      atomic.Int64  // monotonic; when it was asked for last, for what may be evicted
	notes     *notes        // nil: none
}

// notes are what is known of a token besides its ages. They never change.
type notes struct {
	standing standing
	// unproven: it was reissued, and no server is known to have accepted it.
	unproven bool
	// givenAgain: the server gave the token again, so that it may live for
	// longer than was known.
	givenAgain bool
	nextTry    int64 // monotonic; no renewal behind the requests before
	// freshOnceSaved is freshFor to be: that is 0 until the refresh token that
	// came with this one is in the Store, so that every use asks.
	freshOnceSaved time.Duration
	// heldUntil (monotonic) is set when the server, asked for a newer token
	// after usableFor, gave this one again: its word counts for that long.
	heldUntil int64
	heldFor   time.Duration // how long that was, when the server said that no time is left
	// previous is the header value of the token before, until that expires: it
	// may be on its way, and must not be shown.
	previous      string
	previousUntil int64 // monotonic
}

const bearer = "Bearer "

// newIssued readies a token for its headers.
func newIssued(token string, raw bool, at instant) *issued {
	t := &issued{at: at}
	if t.header[0] = bearer + token; raw {
		t.header[0] = strings.Clone(token)
	}
	t.used.Store(at.mono)
	return t
}

// token is the token alone. No token has a space.
func (t *issued) token() string { return strings.TrimPrefix(t.header[0], bearer) }

// noted is what is known of the token.
func (t *issued) noted() notes {
	if t.notes == nil {
		return notes{}
	}
	return *t.notes
}

// with returns a copy with other notes. Only a good token is fresh.
func (t *issued) with(change func(*notes)) *issued {
	n := t.noted()
	change(&n)
	c := &issued{header: t.header, at: t.at, freshFor: t.freshFor, usableFor: t.usableFor}
	c.used.Store(t.used.Load())
	if n.standing != good {
		c.freshFor, n.freshOnceSaved = 0, 0
	}
	if n != (notes{}) {
		c.notes = &n
	}
	return c
}

// as returns a copy that stands as s says.
func (t *issued) as(s standing) *issued { return t.with(func(n *notes) { n.standing = s }) }

// is reports whether t is the same token as other.
func (t *issued) is(other *issued) bool { return t != nil && t.header[0] == other.header[0] }

// Format keeps the token out of dumps that follow pointers: fmt ignores the
// methods of unexported fields, and of everything when the verb is wrong.
func (*issued) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// String does what Format does, for dumpers that know only Stringer.
func (*issued) String() string { return redacted }

// Format does what that of issued does.
func (*notes) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// String does what that of issued does.
func (*notes) String() string { return redacted }

// fresh reports whether the token may be sent and nothing else is to be done.
func (t *issued) fresh(now instant) bool { return now.since(t.at) < t.freshFor }

// young is fresh, but for what is not saved yet.
func (t *issued) young(now instant) bool {
	return now.since(t.at) < max(t.freshFor, t.noted().freshOnceSaved)
}

// usable reports whether the token may still be sent.
func (t *issued) usable(now instant) bool {
	return now.since(t.at) < t.usableFor || now.mono < t.noted().heldUntil
}

// hasOutlived reports whether the token before, if it is kept, has expired.
func (t *issued) hasOutlived(now instant) bool {
	return t.notes != nil && t.notes.previous != "" && now.mono >= t.notes.previousUntil
}

// end is when (monotonic) nobody takes the token any more: its server counts
// from the end of a call at the latest, which takes fetch at most, and those who
// are shown it may allow their clocks a minute. No figure, or one that may have
// been cut, is no end.
func (t *issued) end(fetch time.Duration) int64 {
	const unused, clocks = 10 * time.Second, time.Minute // see usablePart
	if t.usableFor >= maxLifetime-unused || t.noted().givenAgain {
		return math.MaxInt64
	}
	return t.at.mono + int64(t.usableFor+unused+fetch+clocks)
}

// left is the time until the token is not usable any more.
func (t *issued) left(now instant) time.Duration {
	if t.usableFor == forever {
		return forever
	}
	return max(0, t.usableFor-now.since(t.at))
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
