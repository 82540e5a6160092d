package authtrip

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// WithLogger has the Manager write to l what its [Hooks] are told; nil, the
// default, is silent. What goes well is written at level Debug, as is what
// happens to single requests; a change of state at Warn, once for the change:
// token calls that begin to fail and that work again, a token that a server
// rejects, a circuit that opens and closes, a Store that fails and works again.
//
// The messages, and the attributes that each has besides "registration", are:
//
//	token call             server why outcome duration attempts lifetime error    Debug
//	token calls fail       as token call                                          Warn
//	token calls work again as token call                                          Warn
//	waited for a token     wait error                                             Debug
//	token rejected         status first                                           Warn if first, else Debug
//	request sent again     accepted error                                         Debug
//	request not sent again error                                                  Debug
//	envelope undecided     error                                                  Warn once for each registration, then Debug
//	record unreadable      error                                                  Warn once for each registration, then Debug
//	record not kept        error                                                  Debug
//	store fails            error; no registration                                 Warn
//	store works again      no registration                                        Warn
//	circuit changed        server from to; no registration                        Warn; Debug for probes
//
// Durations are [time.Duration]; lifetime and error are left out where there is
// none. Messages begin with "authtrip: ". Requests' records come with their
// context, so that a handler finds the trace there. None has a token, a secret
// or a principal.
func WithLogger(l *slog.Logger) Option {
	if l == nil {
		return optionFunc(func(*Manager) {})
	}
	o := &log{to: l}
	return Hooks{
		TokenCallDone: o.tokenCall, Waited: o.waited, Rejected: o.rejected, Replayed: o.replayed,
		NotReplayed: o.notReplayed, Undecided: o.undecided, StoreFailed: o.storeFailed,
		StoreChanged: o.storeChanged, CircuitChanged: o.circuitChanged,
	}
}

type log struct {
	to   *slog.Logger
	once sync.Map // what was warned of: message and registration
}

// debugOr is Warn if warn, else Debug.
func debugOr(warn bool) slog.Level {
	if warn {
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

// write writes a record of a registration, or of none.
func (o *log) write(ctx context.Context, level slog.Level, message, registration string, err error, attrs ...slog.Attr) {
	if !o.to.Enabled(ctx, level) {
		return
	}
	if registration != "" {
		attrs = append([]slog.Attr{slog.String("registration", registration)}, attrs...)
	}
	if err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	o.to.LogAttrs(ctx, level, "authtrip: "+message, attrs...)
}

// first reports whether it is asked for the first time.
func (o *log) first(message, registration string) bool {
	_, before := o.once.LoadOrStore([2]string{message, registration}, nil)
	return !before
}

func (o *log) tokenCall(ctx context.Context, call TokenCall) {
	attrs := []slog.Attr{
		slog.String("server", call.Server), slog.String("why", call.Why), slog.String("outcome", call.Outcome),
		slog.Duration("duration", call.Duration), slog.Int("attempts", call.Attempts),
	}
	if call.Lifetime > 0 {
		attrs = append(attrs, slog.Duration("lifetime", call.Lifetime))
	}
	message := "token call"
	// That a user has to log in is not the registration's state.
	changed := call.Changed && !(call.User && errors.Is(call.Err, ErrAuthorizationRequired))
	switch {
	case changed && call.Err != nil:
		message = "token calls fail"
	case changed:
		message = "token calls work again"
	}
	o.write(ctx, debugOr(changed), message, call.Registration, call.Err, attrs...)
}

func (o *log) waited(ctx context.Context, registration string, wait time.Duration, err error) {
	o.write(ctx, slog.LevelDebug, "waited for a token", registration, err, slog.Duration("wait", wait))
}

func (o *log) rejected(ctx context.Context, registration string, status int, first bool) {
	o.write(ctx, debugOr(first), "token rejected", registration, nil, slog.Int("status", status), slog.Bool("first", first))
}

func (o *log) replayed(ctx context.Context, registration string, accepted bool, err error) {
	o.write(ctx, slog.LevelDebug, "request sent again", registration, err, slog.Bool("accepted", accepted))
}

func (o *log) notReplayed(ctx context.Context, registration string, why error) {
	o.write(ctx, slog.LevelDebug, "request not sent again", registration, why)
}

func (o *log) undecided(ctx context.Context, registration string, why error) {
	const message = "envelope undecided"
	o.write(ctx, debugOr(o.first(message, registration)), message, registration, why)
}

func (o *log) storeFailed(registration string, err error) {
	message, level := "record not kept", slog.LevelDebug // StoreChanged told that the Store fails
	if _, sealed := errors.AsType[*unreadable](err); sealed {
		message = "record unreadable"
		level = debugOr(o.first(message, registration))
	}
	o.write(context.Background(), level, message, registration, err)
}

func (o *log) storeChanged(err error) {
	if err != nil {
		o.write(context.Background(), slog.LevelWarn, "store fails", "", err)
	} else {
		o.write(context.Background(), slog.LevelWarn, "store works again", "", nil)
	}
}

func (o *log) circuitChanged(server, from, to string) {
	probed := to == "half-open" || from == "half-open" && to == "open"
	o.write(context.Background(), debugOr(!probed), "circuit changed", "", nil,
		slog.String("server", server), slog.String("from", from), slog.String("to", to))
}
