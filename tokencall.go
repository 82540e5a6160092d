package authtrip

import (
	"context"
	"errors"
	"net/http/httptrace"
	"time"
)

// call is one token call, as Hooks and Stats are told of it: a flight's, or a
// login's. It is of one goroutine at a time.
type call struct {
	entry  *entry
	caller context.Context // of the request that began it
	values context.Context // what a token call carries; nil before it begins
	begun  instant
	told   TokenCall
}

func (e *entry) newCall(caller context.Context, why string) *call {
	return &call{entry: e, caller: caller, begun: readClocks(), told: TokenCall{
		Registration: e.client.ID, Server: e.client.server, User: e.client.users, Why: why,
	}}
}

// why says why n is needed, in the words of TokenCall.
func (e *entry) why(n need) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case n.renewal:
		return "stale"
	case n.unwanted != "":
		return "rejected"
	case e.current.Load() != nil:
		return "expired"
	case e.past().dropped != nil:
		return "forced"
	}
	return "first use"
}

// start tells the hook of a call that is about to be made, once, and returns the
// context whose values it carries.
func (k *call) start(flight context.Context) (context.Context, error) {
	if k.values != nil {
		return k.values, nil
	}
	k.values = flight
	hook := k.entry.client.manager.hooks.TokenCallStart
	if hook == nil {
		return flight, nil
	}
	told, caller := k.told, k.caller // the hook may go on when the flight has ended
	values, err := contained(flight, func() (context.Context, error) { return hook(flight, caller, told), nil })
	broken, isBroken := values.(brokenStart)
	trace := httptrace.ContextClientTrace
	switch {
	case err != nil:
	case isBroken:
		k.values, err = broken.Context, broken.why
	case values == nil:
		err = errNoContext
	default:
		k.values = values
		_, err = contained(flight, func() (struct{}, error) {
			if t := trace(values); t != nil && t == trace(caller) {
				return struct{}{}, errors.New("it passed on the caller's httptrace, which would see the client's secret")
			}
			return struct{}{}, nil
		})
	}
	if err != nil {
		return nil, &configError{"Hooks.TokenCallStart", err}
	}
	return values, nil
}

var errNoContext = errors.New("it returned no context")

// errUnfinished is what a call ends by that panicked.
var errUnfinished = errors.New("the token call broke off")

// done tells what came of the call, if there was anything to be told.
func (k *call) done(got outcome, waiters []context.Context) {
	c := k.entry.client
	err := got.err
	if err == nil {
		err = got.madeDo
	}
	if k.told.Outcome = k.outcome(got, err); k.told.Outcome == "" {
		return
	}
	if k.told.Outcome == "dropped" || k.told.Outcome == "stored" {
		err = nil
	}
	if t := got.token; t != nil && t.usableFor != forever {
		k.told.Lifetime = t.left(readClocks())
	}
	k.told.Duration = time.Duration(readClocks().mono - k.begun.mono)
	c.countCall(k.told, err != nil)
	hook := c.manager.hooks.TokenCallDone
	if hook == nil {
		return
	}
	k.told.Waiters = waiters
	values := k.values
	if values == nil {
		values = context.Background()
	}
	ctx, cancel := context.WithTimeout(context.Background(), hookWait)
	defer cancel()
	told := k.told
	_, _ = contained(ctx, func() (struct{}, error) {
		if err != nil {
			told.Err = k.entry.fail(err)
		}
		hook(context.WithoutCancel(values), told)
		return struct{}{}, nil
	})
}

// hookWait bounds a hook that those who need a token wait for.
const hookWait = time.Second

// outcome is TokenCall's; empty where nothing was done that is worth telling. It
// looks at our own errors only, as weigh does.
func (k *call) outcome(got outcome, err error) string {
	called := k.values != nil
	switch {
	case err == nil && got.deferred:
		return "deferred"
	case got.stored && (err == nil || !called):
		return "stored"
	case err == errSuperseded:
		return "dropped"
	case called && err == nil && got.unchanged:
		return "unchanged"
	case called && err == nil:
		return "issued"
	case called && err == ErrClosed:
		return "closed"
	}
	switch err := err.(type) {
	case *configError:
		return "failed"
	case *heard:
		return "refused"
	case *circuitOpen:
		if called {
			return "circuit open"
		}
	case *grantEnded:
		return "refused"
	case *ServerError:
		if err.refusal() && err.Status >= 400 { // with less it is no answer
			return "refused"
		}
	}
	if called {
		return "failed"
	}
	return ""
}
