package authtrip

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Close ends the Manager and all its Sources: token calls under way are given
// up, their callers and all later ones get ErrClosed. Only a code or a refresh
// token that is being redeemed is waited for, FetchTimeout at most, so that
// what comes of it is in the Store. With Policy.RevokeOnClose the client
// credentials tokens in use are revoked then; the error is what went wrong with
// that, or with saving what the Store had not taken. Calling Close again does
// nothing.
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
	m.cancel()
	var revocations []func() error
	for _, reg := range m.registered {
		revocations = append(revocations, reg.own.close())
	}
	m.tokens.mu.RLock()
	for _, e := range m.tokens.entries {
		revocations = append(revocations, e.close())
	}
	m.tokens.mu.RUnlock()
	m.wait()
	return errors.Join(m.saveAll(), together(revocations))
}

// close forgets the token for good. It returns what revokes it, if that is to
// be done.
func (e *entry) close() func() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.current.Load()
	e.current.Store(nil)
	if t == nil || e.login != nil || !e.manager.policy.RevokeOnClose || e.client.RevocationEndpoint.URL == "" {
		return nil
	}
	return func() error { return e.revokeAtServer(context.Background(), t.text.token, "") }
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
	timer := time.NewTimer(m.policy.FetchTimeout + 2*storeWait)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}

// saveAll tries for the last time to save what the Store did not take.
func (m *Manager) saveAll() error {
	m.tokens.mu.RLock()
	var unsaved []*login
	for _, l := range m.tokens.logins {
		if l.hasUnsaved.Load() {
			unsaved = append(unsaved, l)
		}
	}
	m.tokens.mu.RUnlock()
	var saves []func() error
	for _, l := range unsaved {
		saves = append(saves, func() error {
			ctx, cancel := context.WithTimeout(context.Background(), storeWait)
			defer cancel()
			if err := l.takeTurn(ctx); err != nil {
				return err
			}
			defer l.giveTurn()
			return l.saveUnsaved()
		})
	}
	return together(saves)
}

// together runs what is not nil, some at once, and joins the errors.
func together(all []func() error) error {
	errs := make([]error, len(all))
	slots := make(chan struct{}, 16)
	var wg sync.WaitGroup
	for i, f := range all {
		if f == nil {
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			errs[i] = f()
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
