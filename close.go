package authtrip

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Close ends the Manager and all its Sources: token calls under way are given
// up, their callers and all later ones get ErrClosed. Only a code or a refresh
// token that is being redeemed is waited for, twice the FetchTimeout at most, and
// what others who share the Store are to know, 3 s at most, so that what comes of
// it is in the Store. What the Store had not taken is
// offered once more, and with Policy.RevokeOnClose the client credentials tokens
// in use are revoked, both within the FetchTimeout; the error is what went wrong
// with these. Calling Close again does nothing.
func (m *Manager) Close() error {
	if m == nil || m.cancel == nil {
		return nil
	}
	m.closing.Lock()
	again := m.shut
	m.shut = true
	m.closing.Unlock()
	if again {
		return nil
	}
	m.ended.Store(true)
	m.cancel()
	var last []func(context.Context) error
	for i := range m.clients {
		last = append(last, m.clients[i].own.close())
	}
	m.tokens.mu.RLock()
	m.tokens.entries.each(func(_ uint64, e *entry) { last = append(last, e.close()) })
	m.tokens.mu.RUnlock()
	m.wait()
	ctx, cancel := context.WithTimeout(context.Background(), m.policy.FetchTimeout)
	defer cancel()
	return together(ctx, append(m.saves(), last...))
}

// bound returns a context for a call that its caller waits for: it ends with
// the caller's, after the FetchTimeout, and with Close.
func (m *Manager) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(m.ctx, func() { cancel(ErrClosed) })
	ctx, end := context.WithTimeout(ctx, m.policy.FetchTimeout)
	return ctx, func() {
		stop()
		end()
		cancel(nil)
	}
}

// close forgets the token for good. It returns what revokes it, if that is to
// be done.
func (e *entry) close() func(context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.current.Load()
	if t != nil {
		e.none(t)
	}
	if t == nil || e.client.users || !e.client.manager.policy.RevokeOnClose || e.client.RevocationEndpoint.URL == "" {
		return nil
	}
	return func(ctx context.Context) error { return e.revokeAtServer(ctx, t.token(), "") }
}

// beginRedeeming reports whether a code or refresh token may be redeemed, and a
// record written: not after Close. Done of redeeming ends it.
func (m *Manager) beginRedeeming() bool {
	m.closing.Lock()
	defer m.closing.Unlock()
	if m.shut {
		return false
	}
	m.redeeming.Add(1)
	return true
}

// wait waits for what is being redeemed; not for ever, should code of others
// hang, or call Close from within.
func (m *Manager) wait() {
	done := make(chan struct{})
	go func() {
		m.redeeming.Wait()
		close(done)
	}()
	timer := time.NewTimer(2*m.policy.FetchTimeout + 2*storeWait)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}

// saves are the last tries to save what the Store did not take.
func (m *Manager) saves() []func(context.Context) error {
	m.tokens.mu.RLock()
	defer m.tokens.mu.RUnlock()
	var saves []func(context.Context) error
	for _, l := range m.tokens.logins {
		if !l.hasOwed.Load() {
			continue
		}
		saves = append(saves, func(ctx context.Context) error {
			if err := l.takeTurn(ctx); err != nil {
				return err
			}
			defer l.giveTurn()
			return l.save(ctx)
		})
	}
	return saves
}

// together runs what is not nil, some at once, until ctx ends, and joins the
// errors.
func together(ctx context.Context, all []func(context.Context) error) error {
	errs := make([]error, len(all))
	slots := make(chan struct{}, 16)
	skipped := 0
	var wg sync.WaitGroup
	for i, f := range all {
		if f == nil {
			continue
		}
		slots <- struct{}{}
		if ctx.Err() != nil {
			skipped++
			<-slots
			continue
		}
		wg.Go(func() {
			defer func() { <-slots }()
			_, errs[i] = contained(context.Background(), func() (struct{}, error) { return struct{}{}, f(ctx) })
		})
	}
	wg.Wait()
	if skipped > 0 {
		errs = append(errs, fmt.Errorf("authtrip: closed before %d more tokens were revoked or saved: %w", skipped, ctx.Err()))
	}
	return errors.Join(errs...)
}
