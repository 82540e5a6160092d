package authtrip

import (
	"context"
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
				first.Call(args)
				second.Call(args)
				return nil
			}))
		}
	}
	if h.TokenCallStart != nil && next.TokenCallStart != nil {
		all.TokenCallStart = func(flight, caller context.Context, call TokenCall) context.Context {
			values := h.TokenCallStart(flight, caller, call)
			if values == nil { // which is told as it is with one
				return nil
			}
			return next.TokenCallStart(values, caller, call)
		}
	}
	if h.Replay != nil && next.Replay != nil {
		all.Replay = func(ctx context.Context, registration string) context.Context {
			if values := h.Replay(ctx, registration); values != nil {
				ctx = values
			}
			if values := next.Replay(ctx, registration); values != nil {
				return values
			}
			return ctx
		}
	}
	return all
}
