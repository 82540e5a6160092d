package authtrip

import (
	"context"
	"time"
)

// Hooks are told what happens out of a caller's sight; they are an [Option].
// Given more than once, all are told, in that order, also when one panics. Each
// may be nil, is called outside all locks, and must return quickly and not panic.
// None is given a token or a secret; errors are without them.
//
// Those of token calls and of the Store run beside the requests, and may be
// called after Close has returned. Waited, Rejected, ReplayStart, ReplayDone,
// NotReplayed and Undecided run in the request that they are about, with its
// context: it waits for them however long they take, and their panic is its own.
// Asking the same Source for a token from a hook of token calls or of the Store
// waits for itself, and from Waited is told to Waited again.
type Hooks struct {
	// TokenCallStart is called before a token call with its context, which
	// inherits nothing, and that of the request that started it. What it returns
	// takes the flight's place: derive it from flight, and put in it what a token
	// call should carry of the caller, such as a trace span; only its values
	// count. When it panics, returns nil, or passes on the caller's httptrace,
	// which would see the client's secret, no call is made, and the call has failed.
	// Of call, what stands before Outcome is known.
	TokenCallStart func(flight, caller context.Context, call TokenCall) context.Context
	// TokenCallDone is called when a token call has ended, however it did, with
	// the values of the context that TokenCallStart returned; and, without a
	// TokenCallStart before it, where no call was made because another process
	// made it, or is about to, or a func of the program's failed. It is called
	// before those who wait have the token, and given a second: they, and Close,
	// wait no longer.
	TokenCallDone func(flight context.Context, call TokenCall)

	// Waited: a request waited that long for a token, and got one or the error.
	// The one that it got may be one that was rejected before, where no other
	// was to be had.
	Waited func(ctx context.Context, registration string, wait time.Duration, err error)
	// Rejected: a response rejected the token that was sent. The status is the
	// response's, which is 200 where its envelope says so, and 0 where
	// [Source.Suspect] told it. First is false for a token that was rejected
	// before, and for one that is not in use any more.
	Rejected func(ctx context.Context, registration string, status int, first bool)
	// ReplayStart: a rejected request is about to be sent again, with another
	// token. What is returned takes the place of its context; only its values
	// count. Nil changes nothing.
	ReplayStart func(ctx context.Context, registration string) context.Context
	// ReplayDone: it was sent again, and the token was accepted, or rejected too;
	// with an error there was no response.
	ReplayDone func(ctx context.Context, registration string, accepted bool, err error)
	// NotReplayed: a response rejected its token and was handed to the caller
	// because no other token could be had, or the request could not or, with
	// Transport.NoReplay, was not to be sent twice; why says which.
	NotReplayed func(ctx context.Context, registration string, why error)
	// Undecided: a response was taken for accepted because its envelope could
	// not be judged; why says what was wrong with it. See Envelope.
	Undecided func(ctx context.Context, registration string, why error)

	// StoreFailed: a user's record could not be read from the Store or saved, or
	// one was there and could not be opened, which [Encryption] says more of. A
	// new refresh token that could not be saved is in use all the same, and
	// saving it is tried again: while the Store fails once a second, whoever it
	// is of, and else ever more rarely, up to a minute.
	StoreFailed func(registration string, err error)
	// StoreChanged: the Store began to fail, and err says how; or, with nil, it
	// works again, which is noticed when it is needed next. While it fails,
	// requests go on with the tokens that are here, and new client credentials
	// tokens are not shared. Changes are told as those of circuits are.
	StoreChanged func(err error)
	// CircuitChanged: the circuit breaker of an authorization server, such as
	// "https://oauth.api.nhncloudservice.com:443", changed from one of
	// "closed", "open" and "half-open" to another. An open circuit makes no
	// token calls, a half-open one a single probe. The changes of a server are
	// told in order, one at a time, on a goroutine of their own, for which
	// nothing waits, Close neither; those that come while a hundred wait for a
	// slow hook are not told.
	CircuitChanged func(server, from, to string)
}

// TokenCall is what [Hooks] are told of a token call.
type TokenCall struct {
	Registration string // its ID
	Server       string // scheme, host and port of the token endpoint
	User         bool   // the token is a user's, and not the client's own
	// Why it is made: "first use", also of a user that was forgotten in between;
	// "stale" (renewed behind the requests), "expired", "rejected" (by a server
	// that the token was sent to), "forced" (it was dropped by Invalidate, Revoke
	// or a new login), or "login" (of Exchange and ExchangeCode).
	Why string
	// Outcome is "issued"; "unchanged": the server gave the token in use again;
	// "stored": the Store had a token, and no call was made or none succeeded;
	// "deferred": another process is renewing it, no call was made; "dropped":
	// what was issued was invalidated meanwhile, and another is asked for;
	// "refused": the server works and said no, to another process where there was
	// no attempt; "failed": no answer, one that is no answer, or a func of the
	// program's failed; "circuit open": it opened meanwhile; "closed": Close came
	// first.
	Outcome string
	// Err is what went wrong, nil if nothing did. There may be a token all the
	// same: one that the Store has and that was rejected somewhere.
	Err      error
	Duration time.Duration // from the beginning to the end, the Store's part included
	Attempts int           // requests to the token endpoint
	// Lifetime is for how long from now on the token will be used; 0 where there
	// is none, and where the server gave no figure.
	Lifetime time.Duration
	// Waiters are the contexts of the requests that wait for this call when it
	// ends, or did and left, in the order they came. The one behind which a token
	// is renewed does not wait.
	Waiters []context.Context
}

func (h Hooks) apply(m *Manager) { m.hooks = m.hooks.and(h) }
