package main

import "time"

// How many token calls there may be follows from what the library promises and
// from what this program did, and from nothing that the library reports.
//
// All requests use one token, so there is one token call at a time, and each
// has a reason:
//
//   - The token in use became old. It is renewed at two thirds of its lifetime,
//     5 % sooner at the earliest. So there is one such call in any time that is
//     shorter than 0.633 of a lifetime, whatever else happens: a token that is
//     had for another reason is as new as any.
//   - The token was revoked, or dropped by Invalidate: one call each, however
//     many requests were under way.
//   - The call before it failed. How soon another follows depends on the
//     failure:
//     Network errors, time-outs and 5xx: 5 in a row open the circuit; from then
//     on there is one probe after 1 s, 2 s, … 10 s, each 10 % sooner at the
//     earliest. An attempt that hangs takes a third of FetchTimeout, and the
//     next waits for that.
//     429, OAuth errors and replies that make no sense: remembered for 1 s, 2 s,
//     … 60 s; with a Retry-After, 503 included, for that long.
//   - The server gave the same token again. It is asked for another at half the
//     time left, a second later at the soonest; and if the token was dropped
//     before, what is left of its lifetime is two thirds over sooner than a
//     whole one's: one call more.
//
// An outage that comes and goes while the token is too young to be renewed is
// noticed by nobody. Failures end with the fault that caused them. The call that succeeds then
// replaces a token that was revoked or too old, which the first two count.
type rules struct {
	lifetime, fetchTimeout, breakerDelay, breakerMaxDelay time.Duration
}

const (
	renewAt         = 2. / 3 * 0.95
	breakerFailures = 5
	sooner          = 0.9
)

// renewals is how many tokens become old in a time.
func (r rules) renewals(in time.Duration) int {
	return 1 + int(float64(in)/(renewAt*float64(r.lifetime)))
}

// circuit is how many calls fail while the server is down for a time.
func (r rules) circuit(down time.Duration) int {
	n := breakerFailures
	delay, at := r.breakerDelay, time.Duration(0)
	for {
		at += time.Duration(sooner * float64(delay))
		if at > down {
			return n
		}
		n++
		delay = min(2*delay, r.breakerMaxDelay)
	}
}

// hanging is how many calls get no answer in a time.
func (r rules) hanging(down time.Duration) int {
	return min(r.circuit(down), 1+int(down/(r.fetchTimeout/3)))
}

// remembered is how many calls fail with what is remembered.
func (rules) remembered(down time.Duration) int {
	n, at := 1, time.Duration(0)
	for wait := time.Second; ; wait = min(2*wait, time.Minute) {
		if at += wait; at > down {
			return n
		}
		n++
	}
}

// asToldIn is how many calls fail whose server says when to come back.
func (rules) asToldIn(retryAfter time.Duration) func(rules, time.Duration) int {
	return func(_ rules, down time.Duration) int { return 1 + int(down/retryAfter) }
}

// sameAgain is how many calls bring no other token.
func (rules) sameAgain(same time.Duration) int { return 1 + int(same/time.Second) + 1 }

// leastRenewals is how many tokens are needed at least, to be served for a time.
func (r rules) leastRenewals(in time.Duration) int {
	return int(float64(in) / (usablePart * float64(r.lifetime)))
}
