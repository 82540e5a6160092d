package authtrip

import "context"

// Hooks are told what happens out of a caller's sight; they are an [Option].
// Each may be nil, is called outside all locks from whatever goroutine it
// happened on, and must return quickly and not panic. None is ever given a
// secret.
type Hooks struct {
	// TokenCall is called before a token call with its context, which inherits
	// nothing, and that of the request that started it. What it returns takes
	// the flight's place: derive it from flight, and put in it what a token
	// call should carry of the caller, such as a trace span; only its values
	// count. When it panics, returns nil, or passes on the caller's httptrace,
	// which would see the client's secret, no call is made. Asking the same
	// Source for a token from here waits for itself.
	TokenCall func(flight, caller context.Context) context.Context
	// NotReplayed: a response rejected its token and was handed to the caller
	// because no other token could be had, or the request could not or, with
	// Transport.NoReplay, was not to be sent twice; why says which.
	NotReplayed func(registration string, why error)
	// Undecided: a response was taken for accepted because its envelope could
	// not be judged; why says what was wrong with it. See Envelope.
	Undecided func(registration string, why error)
	// StoreFailed: a user's record could not be read from the Store or saved, or
	// one was there and could not be opened, which [Encryption] says more of. A
	// new refresh token that could not be saved is in use all the same, and
	// saving it is tried again: while the Store fails once a second, whoever it
	// is of, and else ever more rarely, up to a minute. To ask for the same
	// user's token from here is to wait for itself.
	StoreFailed func(registration string, err error)
	// StoreChanged: the Store began to fail, and err says how; or, with nil, it
	// works again, which is noticed when it is needed next. While it fails,
	// requests go on with the tokens that are here, and new client credentials
	// tokens are not shared. Changes are told as those
	// of circuits are, see CircuitChanged.
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

func (h Hooks) apply(m *Manager) { m.hooks = h }
