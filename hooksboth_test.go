package authtrip_test

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"github.com/authtrip/authtrip"
)

func TestEveryHookOfTwoIsTold(t *testing.T) {
	// By reflection, so that none is forgotten.
	fields := reflect.TypeFor[authtrip.Hooks]()
	for i := range fields.NumField() {
		var order []string
		hook := func(name string) authtrip.Hooks {
			var h authtrip.Hooks
			f := fields.Field(i)
			reflect.ValueOf(&h).Elem().Field(i).Set(reflect.MakeFunc(f.Type, func(args []reflect.Value) []reflect.Value {
				order = append(order, name)
				if f.Type.NumOut() == 1 {
					ctx := context.WithValue(args[0].Interface().(context.Context), orderKey(name), true)
					return []reflect.Value{reflect.ValueOf(&ctx).Elem()}
				}
				return nil
			}))
			return h
		}
		for _, both := range [][]authtrip.Hooks{{hook("first"), {}, hook("second")}, {hook("first"), hook("second"), {}}} {
			order = nil
			m := authtrip.HooksOf(both...)
			f := reflect.ValueOf(m).Field(i)
			args := make([]reflect.Value, f.Type().NumIn())
			for j := range args {
				args[j] = reflect.Zero(f.Type().In(j))
				if f.Type().In(j) == reflect.TypeFor[context.Context]() {
					args[j] = reflect.ValueOf(t.Context())
				}
			}
			out := f.Call(args)
			if strings.Join(order, " ") != "first second" {
				t.Errorf("%s told %q", fields.Field(i).Name, order)
			}
			if len(out) == 1 {
				ctx := out[0].Interface().(context.Context)
				if ctx.Value(orderKey("first")) == nil || ctx.Value(orderKey("second")) == nil {
					t.Errorf("%s loses a value", fields.Field(i).Name)
				}
			}
		}
	}
}

type orderKey string

func TestASecondHookIsToldThoughTheFirstPanics(t *testing.T) {
	second := 0
	src := newSource(t, registration(), authtrip.WithTokenTransport(&replies{bodies: []string{`{"access_token":"a"}`}}),
		authtrip.Hooks{TokenCallDone: func(context.Context, authtrip.TokenCall) { panic("mine") }},
		authtrip.Hooks{TokenCallDone: func(context.Context, authtrip.TokenCall) { second++ }})
	if _, err := src.Token(t.Context()); err != nil || second != 1 {
		t.Errorf("%v; the second was told %d times", err, second)
	}
}

// What the first hook began, a span perhaps, is ended where the second says no.
func TestWhatAHookBeganIsEndedThoughTheNextFails(t *testing.T) {
	type span struct{}
	for says, next := range map[string]func(context.Context, context.Context, authtrip.TokenCall) context.Context{
		"it returned no context": func(context.Context, context.Context, authtrip.TokenCall) context.Context { return nil },
		"panic (string)":         func(context.Context, context.Context, authtrip.TokenCall) context.Context { panic("mine") },
	} {
		ended := 0
		var call authtrip.TokenCall
		first := authtrip.Hooks{
			TokenCallStart: func(f, _ context.Context, _ authtrip.TokenCall) context.Context {
				return context.WithValue(f, span{}, true)
			},
			TokenCallDone: func(ctx context.Context, c authtrip.TokenCall) {
				if call = c; ctx.Value(span{}) != nil {
					ended++
				}
			},
		}
		tokens := &replies{bodies: []string{`{"access_token":"a"}`}}
		src := newSource(t, registration(), authtrip.WithTokenTransport(tokens), first, authtrip.Hooks{TokenCallStart: next}, authtrip.Hooks{
			TokenCallStart: func(f, _ context.Context, _ authtrip.TokenCall) context.Context { return f }})
		_, err := src.Token(t.Context())
		wantAll(t, err, "Hooks.TokenCallStart: "+says)
		if ended != 1 || call.Outcome != "failed" || call.Attempts != 0 || tokens.calls != 0 {
			t.Errorf("%s: ended %d times, told %+v, %d calls", says, ended, call, tokens.calls)
		}
	}
}

// The second of two may leave the context as it is.
func TestAReplayHookThatReturnsNothingChangesNothing(t *testing.T) {
	type mark struct{}
	begin := func(ctx context.Context, _ string) context.Context { return context.WithValue(ctx, mark{}, 1) }
	nothing := func(context.Context, string) context.Context { return nil }
	for _, both := range [][]authtrip.Hooks{{{ReplayStart: begin}, {ReplayStart: nothing}}, {{ReplayStart: nothing}, {ReplayStart: begin}}} {
		if ctx := authtrip.HooksOf(both...).ReplayStart(t.Context(), ""); ctx == nil || ctx.Value(mark{}) != 1 {
			t.Error("the value is lost")
		}
	}
}
