package authtrip

import (
	"errors"
	"fmt"
	"time"
)

// Policy holds the figures that a Manager works by; it is an [Option]. A zero
// field takes its default.
type Policy struct {
	// FetchTimeout bounds one flight: all attempts of one token call and the
	// waits between them. Each attempt may take a third of it; one that redeems
	// a code or a refresh token may take all of it, and begins within it, so
	// that nothing that was spent is given up early. Default 10 s, a day at
	// most.
	FetchTimeout time.Duration
	// RenewAt is the part of a token's lifetime after which it is renewed
	// behind the requests, above 0 and below 1. Default 2/3. RenewSpread
	// spreads it evenly by that part of itself, below 1, so that a fleet does
	// not renew at once; negative is none. Default 0.05.
	RenewAt, RenewSpread float64
	// BreakerFailures in a row open the circuit to an authorization server.
	// Default 5.
	BreakerFailures int
	// BreakerDelay is the time from there to the first probe; it doubles with
	// each probe that fails, up to BreakerMaxDelay, within ± 10 %. A 503's
	// Retry-After makes it longer, up to a minute. Defaults 1 s and 10 s.
	BreakerDelay, BreakerMaxDelay time.Duration
	// EnvelopeWait is how long a response is held up at most so that its
	// envelope can be judged; see Envelope. Default 100 ms.
	EnvelopeWait time.Duration
	// MaxTokens is how many access tokens are kept of principals, and of other
	// scopes than the registrations' own: above it those that expired go, then
	// those that were used least recently. Refresh tokens stay in the Store.
	// Default 10,000.
	MaxTokens int
	// RevokeOnClose has Manager.Close end the client credentials tokens in use
	// at their servers too; users stay logged in. Beside a Store that was
	// given, which others may use, NewManager refuses it.
	RevokeOnClose bool
}

const longestFetch = 24 * time.Hour

func (p Policy) apply(m *Manager) { m.policy = p }

// check returns p with its defaults, or every fault in one error.
func (p Policy) check() (Policy, error) {
	var faults []error
	for name, d := range map[string]time.Duration{
		"FetchTimeout": p.FetchTimeout, "BreakerDelay": p.BreakerDelay, "BreakerMaxDelay": p.BreakerMaxDelay,
		"EnvelopeWait": p.EnvelopeWait,
	} {
		if d < 0 {
			faults = append(faults, fmt.Errorf("authtrip: Policy.%s is negative (%v)", name, d))
		}
	}
	if p.FetchTimeout > longestFetch {
		faults = append(faults, fmt.Errorf("authtrip: Policy.FetchTimeout is %v; it may be a day at most", p.FetchTimeout))
	}
	for name, n := range map[string]int{"BreakerFailures": p.BreakerFailures, "MaxTokens": p.MaxTokens} {
		if n < 0 {
			faults = append(faults, fmt.Errorf("authtrip: Policy.%s is negative (%d)", name, n))
		}
	}
	if !(p.RenewAt >= 0 && p.RenewAt < 1) {
		faults = append(faults, fmt.Errorf("authtrip: Policy.RenewAt is %v; it is a part of the lifetime, above 0 and below 1", p.RenewAt))
	}
	if !(p.RenewSpread < 1) {
		faults = append(faults, fmt.Errorf("authtrip: Policy.RenewSpread is %v; it must be below 1", p.RenewSpread))
	}
	defaultTo(&p.FetchTimeout, 10*time.Second)
	defaultTo(&p.RenewAt, 2./3)
	defaultTo(&p.RenewSpread, 0.05)
	defaultTo(&p.BreakerFailures, 5)
	defaultTo(&p.BreakerDelay, time.Second)
	defaultTo(&p.EnvelopeWait, 100*time.Millisecond)
	defaultTo(&p.MaxTokens, 10_000)
	defaultTo(&p.BreakerMaxDelay, max(10*time.Second, p.BreakerDelay))
	if p.BreakerMaxDelay < p.BreakerDelay {
		faults = append(faults, fmt.Errorf("authtrip: Policy.BreakerMaxDelay (%v) is below BreakerDelay (%v)", p.BreakerMaxDelay, p.BreakerDelay))
	}
	p.RenewSpread = max(0, p.RenewSpread)
	return p, errors.Join(faults...)
}

func defaultTo[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
