package authtrip

import (
	"context"
	"fmt"
	"reflect"
)

// and returns hooks that tell h and then next.
func (h Hooks) and(next Hooks) Hooks {
	all := next
	to := reflect.ValueOf(&all).Elem()
	from := reflect.ValueOf(h)
	for i := range to.NumField() {
		first, second := from.Field(i), reflect.ValueOf(next).Field(i)
		switch {
		case first.IsNil():
		case second.IsNil():
			to.Field(i).Set(first)
		case first.Type().NumOut() == 0: // of those that return a context below
			to.Field(i).Set(reflect.MakeFunc(first.Type(), func(args []reflect.Value) []reflect.Value {
				defer second.Call(args) // also when the first panics
				first.Call(args)
				return nil
			}))
		}
	}
	if h.TokenCallStart != nil && next.TokenCallStart != nil {
		all.TokenCallStart = func(flight, caller context.Context, call TokenCall) context.Context {
			values := h.TokenCallStart(flight, caller, call)
			if _, broken := values.(brokenStart); broken || values == nil {
				return values
			}
			return startNext(next, values, caller, call)
		}
	}
	if h.ReplayStart != nil && next.ReplayStart != nil {
		all.ReplayStart = func(ctx context.Context, registration string) context.Context {
			if values := h.ReplayStart(ctx, registration); values != nil {
				ctx = values
			}
			if values := next.ReplayStart(ctx, registration); values != nil {
				return values
			}
			return ctx
		}
	}
	return all
}

// brokenStart is what the first hook returned where the second said no: what the
// first began, TokenCallDone ends.
type brokenStart struct {
	context.Context
	why error
}

func startNext(next Hooks, values, caller context.Context, call TokenCall) (all context.Context) {
	defer func() {
		if p := recover(); p != nil {
			all = brokenStart{values, fmt.Errorf("panic (%T) at %s", p, panicSite())}
		}
	}()
	if all = next.TokenCallStart(values, caller, call); all == nil {
		return brokenStart{values, errNoContext}
	}
	return all
}
