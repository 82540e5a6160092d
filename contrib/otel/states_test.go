package authotel_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	authotel "github.com/authtrip/authtrip/contrib/otel"
	"github.com/authtrip/authtrip/prism"
	"go.opentelemetry.io/otel"
)

const (
	remaining    = "authtrip.token.remaining_lifetime"
	circuitState = "authtrip.circuit.state"
	storeFailing = "authtrip.store.failing"
)

func TestWhatIsLeftOfATokenIsWhatIsLeftWhenItIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorldOf(t, []authtest.Option{authtest.InMemory()})
		w.wantPoints(remaining, map[string]float64{}) // nothing before the first
		w.cloud.SetLifetime(time.Hour)
		w.mustToken()
		w.wantPoints(remaining, map[string]float64{"": 3590}) // it is not used in its last 10 s
		time.Sleep(10 * time.Minute)
		w.wantPoints(remaining, map[string]float64{"": 2990})
		time.Sleep(2 * time.Hour)
		w.wantPoints(remaining, map[string]float64{"": 0})
		w.mustToken()
		w.wantPoints(remaining, map[string]float64{"": 3590})
	})
}

func TestWhatIsLeftOutlastsARenewalThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorldOf(t, []authtest.Option{authtest.InMemory()})
		w.cloud.SetLifetime(time.Hour)
		w.mustToken()
		w.cloud.Break(authtest.Fault{Status: 503})
		time.Sleep(50 * time.Minute)
		w.mustToken() // the old one, and a renewal is tried behind
		time.Sleep(time.Minute)
		w.wantPoints(remaining, map[string]float64{"": 3590 - 51*60})
	})
}

// What was dropped is not used, whether or not there is another.
func TestNothingIsLeftOfATokenThatWasDropped(t *testing.T) {
	w := newWorld(t)
	w.src.Invalidate(w.mustToken())
	w.cloud.Break(authtest.Fault{Status: 400})
	if _, err := w.src.Token(t.Context()); err == nil {
		t.Fatal("there is a token")
	}
	w.wantPoints(remaining, map[string]float64{})
}

func TestAnOpenCircuitTellsThatATokenWasDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTelemetry(t)
		for _, id := range []string{"dropped", "ended"} {
			w.tel.Hooks().TokenCallDone(t.Context(), authtrip.TokenCall{Registration: id, Why: "first use", Outcome: "issued", Lifetime: time.Hour})
			if id == "dropped" {
				w.tel.Hooks().Waited(t.Context(), id, 0, authtrip.ErrCircuitOpen)
			}
		}
		time.Sleep(2 * time.Hour)
		w.tel.Hooks().Waited(t.Context(), "ended", 0, authtrip.ErrCircuitOpen)
		w.wantPoints(remaining, map[string]float64{"authtrip.registration=ended": 0})
	})
}

func TestATokenThatAnotherProcessIsRenewingCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTelemetry(t)
		call := authtrip.TokenCall{Registration: "payments", Why: "first use", Outcome: "issued", Lifetime: time.Hour}
		w.tel.Hooks().TokenCallDone(t.Context(), call)
		call.Why, call.Outcome, call.Lifetime = "stale", "deferred", 0
		w.tel.Hooks().TokenCallDone(t.Context(), call)
		w.wantPoints(remaining, map[string]float64{"authtrip.registration=payments": 3600})
		call.Why, call.Outcome = "stale", "dropped"
		w.tel.Hooks().TokenCallDone(t.Context(), call)
		w.wantPoints(remaining, map[string]float64{})
	})
}

func TestOfRegistrationsWithOneNameTheTokenThatEndsFirstCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTelemetry(t, authotel.WithRegistrationName(func(string) string { return "gold" }))
		for id, left := range map[string]time.Duration{"a": time.Hour, "b": time.Minute, "c": 2 * time.Hour} {
			w.tel.Hooks().TokenCallDone(t.Context(), authtrip.TokenCall{Registration: id, Why: "first use", Outcome: "issued", Lifetime: left})
		}
		w.wantPoints(remaining, map[string]float64{"authtrip.registration=gold": 60})
	})
}

func TestATokenOfUnknownLifetimeHasNone(t *testing.T) {
	w := newWorld(t)
	w.mustToken()
	w.cloud.Break(authtest.Fault{Body: `{"access_token":"another","token_type":"Bearer"}`})
	w.src.Invalidate(w.mustToken())
	w.mustToken()
	w.wantPoints(remaining, map[string]float64{})
}

func TestATokenThatTheStoreHadCountsAsAnyOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := authtrip.NewMemoryStore(0)
		cloud := authtest.NewNHN(authtest.InMemory())
		defer cloud.Close()
		cloud.SetLifetime(time.Hour)
		first := &world{telemetry: newTelemetry(t), cloud: cloud}
		first.src = first.source(authtrip.WithStore(store))
		first.mustToken()
		time.Sleep(10 * time.Minute)

		second := &world{telemetry: newTelemetry(t), cloud: cloud}
		second.src = second.source(authtrip.WithStore(store))
		second.mustToken()
		second.wantPoints(remaining, map[string]float64{"": 2990})
		second.wantPoints(tokenCalls, map[string]float64{"authtrip.token_call.outcome=stored authtrip.token_call.why=first use": 1})
		if spans := second.named(tokenCall); len(spans) != 0 {
			t.Errorf("%d spans of token calls, and none was made", len(spans))
		}
	})
}

func TestUsersTokensMakeNoSeriesOfWhatIsLeft(t *testing.T) {
	w := newTelemetry(t)
	live := authtest.NewPRISM()
	defer live.Close()
	src := w.prism(live)
	if err := src.ExchangeCode(t.Context(), live.Code("user-42"), nil); err != nil {
		t.Fatal(err)
	}
	if got := w.collected(tokenCalls); len(got) != 1 {
		t.Fatalf("the token calls are %v", got)
	}
	w.wantPoints(remaining, map[string]float64{})
}

func TestManyUsersAreOneSeries(t *testing.T) {
	w := newTelemetry(t)
	live := authtest.NewPRISM()
	defer live.Close()
	mgr, err := authtrip.NewManager([]authtrip.Registration{prism.Registration(live.Client())}, append(live.Options(), w.tel.Hooks())...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = mgr.Close() }()
	for i := range 50 {
		user := fmt.Sprintf("user-%d", i)
		src, err := mgr.SourceFor("prism", user)
		if err != nil {
			t.Fatal(err)
		}
		if err := src.ExchangeCode(t.Context(), live.Code(user), nil); err != nil {
			t.Fatal(err)
		}
		src.Invalidate(must(src.Token(t.Context())))
		if _, err := src.Token(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	w.wantPoints(tokenCalls, map[string]float64{
		"authtrip.registration=prism authtrip.token_call.outcome=issued authtrip.token_call.why=login":  50,
		"authtrip.registration=prism authtrip.token_call.outcome=issued authtrip.token_call.why=forced": 50,
	})
	w.wantPoints(waits, map[string]float64{"authtrip.registration=prism": 50})
	if strings.Contains(w.everything(), "user-") {
		t.Error("a user is exported")
	}
}

const open, halfOpen, closed = "authtrip.circuit.state=open", "authtrip.circuit.state=half-open", "authtrip.circuit.state=closed"

func TestACircuitIsInOneOfThreeStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorldOf(t, []authtest.Option{authtest.InMemory()})
		w.wantPoints(circuitState, map[string]float64{})
		w.mustToken()
		w.wantPoints(circuitState, map[string]float64{closed: 1, halfOpen: 0, open: 0})

		w.src.Invalidate(w.mustToken())
		w.cloud.Break(authtest.Fault{Status: 503})
		for range 10 {
			if _, err := w.src.Token(context.Background()); errors.Is(err, authtrip.ErrCircuitOpen) {
				break
			}
		}
		synctest.Wait()
		w.wantPoints(circuitState, map[string]float64{closed: 0, halfOpen: 0, open: 1})

		w.cloud.Break(authtest.Fault{Delay: time.Second})
		time.Sleep(time.Minute)
		go func() { _, _ = w.src.Token(context.Background()) }()
		synctest.Wait()
		w.wantPoints(circuitState, map[string]float64{closed: 0, halfOpen: 1, open: 0})
		time.Sleep(time.Minute)
		w.wantPoints(circuitState, map[string]float64{closed: 1, halfOpen: 0, open: 0})
	})
}

func TestATokenCallDoesNotCloseACircuit(t *testing.T) {
	w := newTelemetry(t)
	hooks := w.tel.Hooks()
	call := authtrip.TokenCall{Server: "https://auth.example.com:443", Outcome: "circuit open", Err: authtrip.ErrCircuitOpen}
	hooks.CircuitChanged(call.Server, "closed", "open")
	hooks.TokenCallDone(hooks.TokenCallStart(t.Context(), t.Context(), call), call)
	w.wantPoints(circuitState, map[string]float64{closed: 0, halfOpen: 0, open: 1})
}

func TestACircuitIsKnownByItsServer(t *testing.T) {
	w := newWorld(t)
	w.mustToken()
	for _, p := range w.ints(circuitState) {
		if got := value(p.Attributes.ToSlice(), "server.address"); got != "127.0.0.1" {
			t.Errorf("server.address is %q", got)
		}
	}
}

func TestTheCircuitsOfTwoManagersAddUp(t *testing.T) {
	w := newWorld(t)
	w.mustToken()
	other, err := authotel.New(authotel.WithMeterProvider(w.meters))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	other.Hooks().TokenCallStart(t.Context(), t.Context(), authtrip.TokenCall{Server: w.src.Stats().Server})
	other.Hooks().CircuitChanged(w.src.Stats().Server, "closed", "open")
	w.wantPoints(circuitState, map[string]float64{closed: 1, halfOpen: 0, open: 1})
}

func TestAStoreThatFailsShows(t *testing.T) {
	w := newTelemetry(t)
	w.wantPoints(storeFailing, map[string]float64{"": 0})
	w.tel.Hooks().StoreChanged(errors.New("down"))
	w.tel.Hooks().StoreFailed("photos", errors.New("down"))
	w.wantPoints(storeFailing, map[string]float64{"": 1})
	w.wantPoints("authtrip.store.record_failures", map[string]float64{"authtrip.registration=photos error.type=_OTHER": 1})
	w.tel.Hooks().StoreChanged(nil)
	w.wantPoints(storeFailing, map[string]float64{"": 0})
}

func TestNothingIsReadAfterClose(t *testing.T) {
	w := newWorld(t)
	w.mustToken()
	if err := w.tel.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{remaining, circuitState, storeFailing} {
		w.wantPoints(name, map[string]float64{})
	}
	w.src.Invalidate(w.mustToken()) // and what happens goes on being counted
	w.mustToken()
	if got := w.collected(tokenCalls); len(got) != 2 {
		t.Errorf("the token calls are %v", got)
	}
}

func TestTheGlobalProvidersAreTheDefault(t *testing.T) {
	w := newTelemetry(t)
	meters, tracers := otel.GetMeterProvider(), otel.GetTracerProvider()
	otel.SetMeterProvider(w.meters)
	otel.SetTracerProvider(w.tracers)
	t.Cleanup(func() {
		otel.SetMeterProvider(meters)
		otel.SetTracerProvider(tracers)
	})
	tel, err := authotel.New(authotel.WithMeterProvider(nil), authotel.WithTracerProvider(nil), authotel.WithRegistrationName(nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tel.Close() }()
	call := authtrip.TokenCall{Registration: "payments", Server: "https://auth.example.com:443", Why: "expired"}
	ctx := tel.Hooks().TokenCallStart(t.Context(), t.Context(), call)
	call.Outcome = "issued"
	tel.Hooks().TokenCallDone(ctx, call)
	w.one("token call payments")
	w.wantPoints(tokenCalls, map[string]float64{"authtrip.registration=payments authtrip.token_call.outcome=issued authtrip.token_call.why=expired": 1})
}
