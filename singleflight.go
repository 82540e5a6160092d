package authtrip

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"time"
)

const maxAttempts = 3

// join waits for the entry's flight, and starts one for n if there is none. The
// error is ctx's: the flight's own is in the outcome. The flight does not notice
// when a caller leaves.
func (e *entry) join(ctx context.Context, n need) (outcome, error) {
	if !n.renewal {
		who := e.client.manager.waiters.add(e, ctx)
		defer e.client.manager.waiters.remove(e, who)
	}
	flight := e.client.manager.flights.DoChan(e.flightKey(), func() (any, error) {
		// A panic here would end the process, a Goexit strand all who wait.
		e := e.pinned() // the caller that began the flight may have left
		defer e.unpin()
		got, err := contained(context.Background(), func() (outcome, error) { return e.flight(ctx, n), nil })
		if err != nil {
			return outcome{err: err, asOf: math.MaxUint64}, nil // it answers for all: no other would do better
		}
		return got, nil
	})
	select {
	case got := <-flight:
		return got.Val.(outcome), nil
	case <-ctx.Done():
		return outcome{}, leaving(ctx)
	case <-e.client.manager.ctx.Done(): // a flight that redeems goes on
		return outcome{err: ErrClosed, asOf: math.MaxUint64}, nil
	}
}

// flight makes one token call, in up to three attempts, and settles it. All
// code that is not ours runs contained, each piece by itself, so that what it
// does to the flight is settled too.
func (e *entry) flight(caller context.Context, n need) (got outcome) {
	k := e.newCall(caller, e.why(n))
	got.err = errUnfinished
	e.client.manager.waiters.begin(e)
	defer func() { k.done(got, e.client.manager.waiters.take(e)) }()
	done, asOf := e.begin(n)
	if done != nil {
		return outcome{token: done, asOf: asOf}
	}
	// Again: the flight before may have ended, and left a failure, since its
	// caller asked.
	if err := e.refuses(readClocks()); err != nil {
		return outcome{err: err, asOf: asOf}
	}
	if e.client.users {
		return e.refreshFlight(k, n, asOf)
	}
	ctx, cancel := context.WithTimeout(e.client.manager.ctx, e.client.manager.policy.FetchTimeout)
	defer cancel()
	if e.client.manager.shares() {
		return e.fleetFlight(ctx, k, n, asOf)
	}
	sentAt, reply, err := e.fetch(ctx, k, e.clientRequest())
	if e.client.manager.closed() {
		err = ErrClosed
	}
	if err != nil {
		return e.failed(asOf, err)
	}
	return e.received(asOf, sentAt, reply, false)
}

// request is what a token call asks for.
type request struct {
	params  url.Values
	secrets []string // in params; no error may show them
	// redeems says that the call spends a refresh token or a code: it has the
	// whole FetchTimeout, Close does not end it, and it is repeated only when it
	// surely was not processed. once says that it is never repeated.
	redeems, once bool
	// shared are the credentials of a token that a fleet shares: with others it
	// is another, which the Store may have, and the call is not repeated.
	shared *credentials
}

// clientRequest is the grant of RFC 6749 §4.4.
func (e *entry) clientRequest() request {
	params := url.Values{"grant_type": {string(ClientCredentials)}}
	if scopes := e.client.asked(); len(scopes) > 0 {
		params.Set("scope", strings.Join(scopes, " "))
	}
	return request{params: params}
}

// fetch makes a token call, again after passing trouble, and with new
// credentials if the old ones are refused and there are others. A reply beside
// an error holds a refresh token that must be kept.
func (e *entry) fetch(ctx context.Context, k *call, r request) (sentAt instant, reply *tokenReply, err error) {
	values, err := k.start(ctx)
	if err != nil {
		return sentAt, nil, err
	}
	r.secrets = append(e.known(), r.secrets...)
	ask := func(refused *credentials) (credentials, error) {
		return contained(ctx, func() (credentials, error) {
			return e.client.credentials(flightContext{ctx, values}, refused)
		})
	}
	var cred credentials
	if r.shared != nil {
		cred = *r.shared
	} else if cred, err = ask(nil); err != nil {
		return sentAt, nil, &configError{"Credentials", err}
	}
	renewed := false
	for n := 1; ; n++ {
		if r.redeems && ctx.Err() != nil {
			return sentAt, nil, fmt.Errorf("not sent, there was no time left: %w", ctx.Err())
		}
		sentAt = readClocks()
		_, err = e.client.breaker.do(func() (*tokenReply, error) {
			k.told.Attempts++
			reply, err = e.attempt(ctx, values, cred, r)
			return reply, err
		})
		said, _ := err.(*ServerError)
		switch {
		case err == nil || reply != nil || n >= maxAttempts:
			return sentAt, reply, err
		case said != nil && said.Code == "invalid_client" && e.client.Credentials != nil && !renewed:
			renewed = true
			another, askErr := ask(&cred)
			if askErr != nil || another.same(cred) || r.once || r.shared != nil {
				return sentAt, nil, err
			}
			r.secrets = append(r.secrets, cred.secret.Reveal())
			cred = another
		case !r.mayRepeat(err) || e.client.breaker.refuses(readClocks()) != nil || !sleep(ctx, backoff(n-1)):
			return sentAt, nil, err
		}
	}
}

// mayRepeat reports whether the same call may succeed a moment later, and does
// no harm. A server that says when is not asked before.
func (r request) mayRepeat(err error) bool {
	switch err := err.(type) {
	case *ServerError:
		return !r.once && err.passing() && err.RetryAfter == 0 && (!r.redeems || err.Status == http.StatusServiceUnavailable)
	case *callError:
		return !r.once && (!r.redeems || err.dialing)
	}
	return false
}

// flightContext ends when the flight does, whatever context a hook returned.
type flightContext struct {
	context.Context
	values context.Context
}

func (c flightContext) Value(key any) any { return c.values.Value(key) }

// attempt is one request to the token endpoint, bounded whatever the transport
// does.
func (e *entry) attempt(flight, values context.Context, cred credentials, r request) (*tokenReply, error) {
	wait := e.client.manager.policy.FetchTimeout / maxAttempts
	if r.redeems {
		// The whole time, however long the flight had to wait before it: what
		// is spent must not be given up for that.
		flight, wait = context.WithoutCancel(flight), e.client.manager.policy.FetchTimeout
	}
	ctx, cancel := context.WithTimeout(flight, wait)
	defer cancel()
	type result struct { // contained gives no value beside an error
		reply *tokenReply
		err   error
	}
	got, err := contained(ctx, func() (result, error) {
		reply, err := e.client.requestToken(flightContext{ctx, values}, e.client.TokenTransport, cred, r.params, r.secrets)
		return result{reply, err}, nil
	})
	if err == nil {
		err = got.err
	}
	if !r.redeems && e.client.manager.closed() {
		return nil, ErrClosed
	}
	return got.reply, err
}

// configError is a failure of a func that the user gave.
type configError struct {
	name string
	err  error
}

func (e *configError) Error() string { return e.name + ": " + e.err.Error() }
func (e *configError) Unwrap() error { return e.err }

// contained runs f, which calls code that is not ours, and turns a panic or a
// runtime.Goexit in it into an error. When ctx ends first, contained returns
// its error at once and f's goroutine ends when f does.
func contained[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		r := result{err: errors.New("runtime.Goexit in code that a token call uses")}
		defer func() {
			if p := recover(); p != nil {
				// Not p itself: it may hold what must not be shown.
				r = result{err: fmt.Errorf("panic (%T) at %s, in code that a token call uses", p, panicSite())}
			}
			done <- r
		}()
		v, err := f()
		r = result{v, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var zero T
		return zero, noAnswer(ctx)
	}
}

// panicSite is the file and line that panicked, seen from a deferred call.
func panicSite() string {
	pcs := make([]uintptr, 16)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	for inRuntime := false; ; {
		f, more := frames.Next()
		isRuntime := len(f.Function) > 8 && f.Function[:8] == "runtime."
		if inRuntime = inRuntime || isRuntime; inRuntime && !isRuntime || !more {
			return fmt.Sprintf("%s:%d", f.File, f.Line)
		}
	}
}

// backoff is the wait after attempt n, counted from 0: full jitter over 100 ms,
// doubling.
func backoff(n int) time.Duration {
	return rand.N(100 * time.Millisecond << n)
}

// sleep waits and reports whether ctx let it.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
