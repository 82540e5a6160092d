package authtrip

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// WithLogger has the Manager write to l what its [Hooks] are told; nil, the
// default, is silent. What goes well is written at level Debug, as is what
// happens to single requests; a change of state at Warn, once for the change:
// a registration's token calls begin to fail, and work again; a token is
// rejected; a circuit opens and closes; a Store fails and works again.
//
// The messages, and the attributes that each has besides "registration", are:
//
//	token call             server why outcome duration attempts lifetime error    Debug
//	token calls fail       as token call                                          Warn
//	token calls work again as token call                                          Warn
//	waited for a token     wait error                                             Debug
//	token rejected         status first                                           Warn, see below
//	request sent again     accepted error                                         Debug
//	request not sent again error                                                  Debug
//	envelope undecided     error                                                  Warn, see below
//	record unreadable      error                                                  Warn, see below
//	record trouble         error                                                  Debug: the Store fails
//	store fails            error; no registration                                 Warn
//	store works again      no registration                                        Warn
//	circuit changed        server from to; no registration                        Warn; Debug for probes
//
// A rejected token is at Warn if it was not rejected before. That, an envelope
// and a record are at Warn once in ten minutes for each registration, and at
// Debug in between; token calls that fail and work in turn, six times in ten
// minutes. What becomes of logins is at Debug: that users have to log in is no
// trouble of the registration's.
//
// Durations are [time.Duration]; lifetime and error are left out where there is
// none. Messages begin with "authtrip: ". Requests' records come with their
// context, so that a handler finds the trace there. None has a token, a secret
// or a principal. A handler that sends its records by a request that needs a token
// of the same Source must leave these out.
func WithLogger(l *slog.Logger) Option {
	return optionFunc(func(m *Manager) {
		if l == nil {
			return
		}
		o := newLog(l)
		Hooks{
			TokenCallDone: o.tokenCall, Waited: o.waited, Rejected: o.rejected, ReplayDone: o.replayed,
			NotReplayed: o.notReplayed, Undecided: o.undecided, StoreFailed: o.storeFailed,
			StoreChanged: o.storeChanged, CircuitChanged: o.circuitChanged,
		}.apply(m)
	})
}

type log struct {
	to    *slog.Logger
	bound logBound
}

func newLog(l *slog.Logger) *log { return &log{to: l, bound: logBound{of: map[logKey]*logState{}}} }

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

func (o *log) tokenCall(ctx context.Context, call TokenCall) {
	attrs := []slog.Attr{
		slog.String("server", call.Server), slog.String("why", call.Why), slog.String("outcome", call.Outcome),
		slog.Duration("duration", call.Duration), slog.Int("attempts", call.Attempts),
	}
	if call.Lifetime > 0 {
		attrs = append(attrs, slog.Duration("lifetime", call.Lifetime))
	}
	message, level := "token call", slog.LevelDebug
	if fails, says := whatItSays(call); says {
		if changed, warn := o.bound.change(call.Registration, fails); changed {
			message, level = "token calls work again", debugOr(warn)
			if fails {
				message = "token calls fail"
			}
		}
	}
	o.write(ctx, level, message, call.Registration, call.Err, attrs...)
}

// whatItSays is whether a call says that the registration's calls fail, or that
// they work; or nothing.
func whatItSays(call TokenCall) (fails, says bool) {
	switch {
	case call.Why == "login", errors.Is(call.Err, ErrAuthorizationRequired):
		return false, false
	case call.Outcome == "issued", call.Outcome == "unchanged", call.Outcome == "dropped":
		return false, true
	case call.Outcome == "refused", call.Outcome == "failed":
		return true, true
	}
	return false, false
}

func (o *log) waited(ctx context.Context, registration string, wait time.Duration, err error) {
	o.write(ctx, slog.LevelDebug, "waited for a token", registration, err, slog.Duration("wait", wait))
}

func (o *log) rejected(ctx context.Context, registration string, status int, first bool) {
	const message = "token rejected"
	warn := first && o.bound.once(message, registration)
	o.write(ctx, debugOr(warn), message, registration, nil, slog.Int("status", status), slog.Bool("first", first))
}

func (o *log) replayed(ctx context.Context, registration string, accepted bool, err error) {
	o.write(ctx, slog.LevelDebug, "request sent again", registration, err, slog.Bool("accepted", accepted))
}

func (o *log) notReplayed(ctx context.Context, registration string, why error) {
	o.write(ctx, slog.LevelDebug, "request not sent again", registration, why)
}

func (o *log) undecided(ctx context.Context, registration string, why error) {
	const message = "envelope undecided"
	o.write(ctx, debugOr(o.bound.once(message, registration)), message, registration, why)
}

func (o *log) storeFailed(registration string, err error) {
	message, level := "record trouble", slog.LevelDebug // StoreChanged told that the Store fails
	if _, sealed := errors.AsType[*unreadable](err); sealed {
		message = "record unreadable"
		level = debugOr(o.bound.once(message, registration))
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
