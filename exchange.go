package authtrip

import (
	"context"
	"crypto/rand"
	"errors"
	"net/url"
	"slices"
	"time"
)

// Exchange ends a [Flow]: it checks the callback, the query that the user's
// browser brought to the RedirectURI, against it, and redeems the code for the
// user's tokens (RFC 6749 §4.1.3). From then on the Source has a token; a
// refresh token is in the Store before Exchange returns, or, should the Store
// fail just then, in memory until it is. It is a new login:
// what the principal had before is replaced, the refresh token too, should the
// server have given none this time.
//
// A code is sent once, whatever happens. When ctx ends, Exchange returns its
// error, and the call goes on: its tokens are not lost. Errors: a *[ServerError]
// for what the server said in the callback or to the code, [ErrCircuitOpen],
// and what is wrong with the Store, the flow or the callback. After any of them
// send the user through [Source.AuthCodeURL] again.
func (s *Source) Exchange(ctx context.Context, flow Flow, callback url.Values) error {
	e, err := s.entryFor(ctx)
	if err != nil {
		return err
	}
	e = e.pinned()
	defer e.unpin()
	if err := e.client.mustBeAuthorizationCode(); err != nil {
		return e.fail(err)
	}
	begun, err := flow.read()
	if err != nil {
		return e.fail(err)
	}
	params, err := begun.redeems(e.client, callback)
	if err != nil {
		return e.fail(err)
	}
	return e.exchange(ctx, params, begun)
}

// ExchangeCode redeems a code that came another way than through
// [Source.AuthCodeURL], as PRISM Live Studio's does: nothing is known of the
// way, so that nothing of it is checked. RedirectURI is sent if the registration
// has one. The parameters, which may be nil, are sent too: a "state", or the
// "code_verifier" of whoever began. All else is as in Exchange.
func (s *Source) ExchangeCode(ctx context.Context, code string, params url.Values) error {
	e, err := s.entryFor(ctx)
	if err != nil {
		return err
	}
	e = e.pinned()
	defer e.unpin()
	if err := e.client.mustBeAuthorizationCode(); err != nil {
		return e.fail(err)
	}
	if code == "" {
		return e.fail(errors.New("the code is empty"))
	}
	all := e.client.codeRequest(code)
	for name, values := range params {
		if slices.Contains(grantParams, name) && name != "redirect_uri" && name != "code_verifier" {
			return e.fail(errors.New("the parameters of ExchangeCode hold " + name + ", which is the grant's own"))
		}
		all[name] = values
	}
	return e.exchange(ctx, all, nil)
}

// exchange redeems a code. Once begun it goes on without its caller.
func (e *entry) exchange(ctx context.Context, params url.Values, flow *flowText) error {
	return e.detached(ctx, e.client.manager.policy.FetchTimeout, func(ctx, caller context.Context, l *login) error {
		k := e.newCall(caller, "login")
		got := outcome{err: errUnfinished}
		defer func() { k.done(got, []context.Context{caller}) }()
		// Announced in the Store first, so that a Store that cannot keep what
		// comes of the code is known before the code is spent.
		claimed, err := l.claim(ctx, func(r *record) (*record, error) { return l.announced(r), nil })
		if err != nil {
			return err
		}
		if err := e.mayRedeem(l, flow); err != nil {
			l.settle(e, claimed, claimed.free())
			return err
		}
		secrets := []string{params.Get("code"), params.Get("code_verifier"), params.Get("state")}
		sentAt, reply, err := e.fetch(ctx, k, request{params: params, secrets: secrets, redeems: true, once: true})
		got.err = err
		if reply == nil {
			l.settle(e, claimed, claimed.free())
			return err
		}
		// A new login: what an earlier one left is not taken over, for who the
		// principal is may have changed.
		next := claimed.with(reply, sentAt, reply.refresh, e.fingerprint())
		next.Login = rand.Text()
		l.settle(e, claimed, next)
		if err != nil {
			return err
		}
		l.manager.forget(e.client, e.principal, e)
		got = e.adopt(sentAt, reply, l.hasOwed.Load())
		return nil
	})
}

// mayRedeem marks the flow, if there is one, as used. With an open circuit it
// does not: the flow is good for another try.
func (e *entry) mayRedeem(l *login, flow *flowText) error {
	if err := e.client.breaker.refuses(readClocks()); err != nil || flow == nil {
		return err
	}
	return l.use(flow)
}

// use marks the flow as used in the Store, for as long as it could be.
func (l *login) use(flow *flowText) error {
	_, err := l.manager.store.Save(context.Background(), flow.key(), []byte("{}"), "", flowLifetime+time.Minute)
	switch {
	case err == ErrConflict:
		return errors.New("the Flow was used already: a code is redeemed once; was the callback's page loaded again?")
	case err != nil:
		return l.trouble(err, nil)
	}
	return nil
}

// detached runs f, which redeems tokens or ends them, with the login's turn.
// It goes on when the caller's ctx ends and when the Manager is closed; f's own
// context, for what has to be waited for, the turn first, ends after patience,
// and its second is the caller's.
func (e *entry) detached(ctx context.Context, patience time.Duration, f func(ctx, caller context.Context, l *login) error) error {
	if ctx.Err() != nil {
		return e.fail(leaving(ctx))
	}
	if !e.client.manager.beginAwaited() {
		return e.fail(ErrClosed)
	}
	e.pins.Add(1) // the caller has it pinned, and may leave
	l := e.borrowLogin()
	done := make(chan error, 1)
	go func() {
		var err error
		defer func() { done <- err }() // at last: nothing is held when the caller goes on
		defer e.client.manager.awaited.Done()
		defer e.unpin()
		defer l.giveBack(e)
		own, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_, err = contained(context.Background(), func() (struct{}, error) {
			if err := l.takeTurn(own); err != nil {
				return struct{}{}, err
			}
			defer l.giveTurn()
			if e.client.manager.closed() {
				return struct{}{}, ErrClosed
			}
			return struct{}{}, f(own, ctx, l)
		})
	}()
	select {
	case err := <-done:
		if err != nil {
			return e.fail(err)
		}
		return nil
	case <-ctx.Done():
		return e.fail(leaving(ctx))
	case <-e.client.manager.ctx.Done():
		return e.fail(ErrClosed)
	}
}
