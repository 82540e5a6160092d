package authtrip

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// A lease keeps a herd small: whoever has it makes the token call, the others
// wait a little for what it brings. It is a record that is created with a
// lifetime and deleted by its version; it promises nothing that the record of
// the token relies on.

const (
	leaseForm = 1
	// leaseSlack is how much longer than a flight its lease lasts.
	leaseSlack = 2 * time.Second
	// heedFor is for how long others heed a call that failed, unless the server
	// said when to come back.
	heedFor = time.Second
)

// lease is what the Store keeps of one, as JSON.
type lease struct {
	Form  int    `json:"form"` // leaseForm
	Owner string `json:"owner"`
	// Until is when the owner has given up or died, in milliseconds since 1970;
	// after a call that failed, when another may be made.
	Until int64 `json:"until"`
	// Failed says that the call did. With Status the server asked to be left
	// alone, with that and what follows: the others heed it. Without, there may be
	// nothing wrong but with the owner: the others make calls of their own.
	// Either holds For so many milliseconds, whatever the owner's clock says.
	Failed      bool   `json:"failed,omitempty"`
	For         int64  `json:"for,omitempty"`
	Status      int    `json:"status,omitempty"`
	Code        string `json:"code,omitempty"`
	Description string `json:"description,omitempty"`
}

func (l *lease) encode() []byte {
	l.Form = leaseForm
	value, _ := json.Marshal(l) // strings and numbers: it cannot fail
	return value
}

// decodeLease returns one of nobody for what is none.
func decodeLease(value []byte) *lease {
	var l lease
	if json.Unmarshal(value, &l) != nil || l.Form != leaseForm || l.Until < 0 || l.Until > maxMillis {
		return &lease{}
	}
	return &l
}

// newLease is this Manager's, for a flight.
func (m *Manager) newLease(now instant) *lease {
	return &lease{Owner: m.owner, Until: (now.wall + int64(m.leaseTime())) / int64(time.Millisecond)}
}

func (m *Manager) leaseTime() time.Duration { return m.policy.FetchTimeout + leaseSlack }

// afterFailure is what the others are to know of a call that failed, and for how
// long. Of a refusal it is nothing: it may be this process's alone, and the next
// takes its turn.
func (m *Manager) afterFailure(err error, now instant) (l *lease, wait time.Duration) {
	l, wait = &lease{Owner: m.owner, Failed: true}, jitter(heedFor, 0.2)
	switch err := err.(type) {
	case *callError:
	case *ServerError:
		switch {
		case err.RetryAfter > 0:
			l.Status, l.Code, l.Description = err.Status, err.Code, err.Description
			wait = err.wait()
		case err.refusal():
			return nil, 0
		}
	default:
		return nil, 0
	}
	l.Until, l.For = (now.wall+int64(wait))/int64(time.Millisecond), wait.Milliseconds()
	return l, wait
}

// heard is what a server said to another process, which asked it to come back
// later.
type heard struct {
	said *ServerError
	wait time.Duration
}

func (e *heard) Error() string             { return e.said.Error() + "; another process was told so" }
func (e *heard) Unwrap() error             { return e.said }
func (e *heard) Timeout() bool             { return false }
func (e *heard) retryAfter() time.Duration { return e.wait }

// heard returns what a lease says that the server said to its owner, or nil.
func (c *client) heard(l *lease, now instant) error {
	if !l.Failed || l.Status == 0 || l.For <= 0 {
		return nil
	}
	most := min(time.Duration(min(l.For, maxMillis))*time.Millisecond, maxRetryAfter)
	wait := time.Duration(l.Until)*time.Millisecond - time.Duration(now.wall)
	if wait <= 0 || wait > most { // one of the clocks is wrong: it holds for as long as it is there
		wait = most
	}
	return &heard{&ServerError{
		Registration: c.ID, Server: c.server, Status: l.Status, Code: said(l.Code, nil, 100), Description: said(l.Description, nil, 200), RetryAfter: wait,
	}, wait}
}

var (
	errHeldElsewhere   = errors.New("another process has the lease")
	errFailedElsewhere = errors.New("another process failed to make the call")
	errNotWritten      = errors.New("the Store could not be written a moment ago")
)

// contend tries to get the lease, and returns why there is none: errHeldElsewhere
// says to wait, a *heard that the call would be refused, another error that it is
// to be made without.
func (s *share) contend(ctx context.Context) error {
	m := s.entry.client.manager
	if s.others == "" && s.mayWrite() {
		version, err := s.store.Save(ctx, s.leaseKey(), m.newLease(readClocks()).encode(), "", m.leaseTime())
		if _, sealed := err.(*unreadable); err != ErrConflict && !sealed {
			s.lease = version
			return err
		}
		if s.store.health.fails(&s.store.health.writes) { // which that has not told
			s.behind(s.probe)
		}
	}
	value, version, err := s.store.Load(ctx, s.leaseKey())
	_, sealed := err.(*unreadable)
	switch {
	case err == ErrNotFound && !s.mayWrite():
		return errNotWritten
	case err == ErrNotFound: // it was given back: what is there now?
		s.others = ""
		return errHeldElsewhere
	case err != nil && !sealed:
		return err
	}
	if version != s.others {
		s.others, s.since = version, readClocks()
		if sealed {
			_ = m.tellStoreFailed(s.entry.client, err, nil)
		}
	}
	l, now := decodeLease(value), readClocks()
	if err := s.entry.client.heard(l, now); err != nil {
		return err
	}
	switch {
	case l.Failed && l.Owner != m.owner:
		return errFailedElsewhere
	case s.isLeft(l, now) && s.mayWrite():
		version, err := s.store.Save(ctx, s.leaseKey(), m.newLease(now).encode(), version, m.leaseTime())
		if s.lease = version; err != ErrConflict { // else another was first
			return err
		}
	}
	return errHeldElsewhere
}

// isLeft reports whether the lease of others is nobody's any more, or has been
// another's for longer than an attempt takes, so that it has died, perhaps: of all
// who wait one gets it. One of our own is of an earlier flight, which did not hear
// that it had it.
func (s *share) isLeft(l *lease, now instant) bool {
	m := s.entry.client.manager
	over := time.Duration(l.Until)*time.Millisecond + intentSlack
	return l.Owner == m.owner || l.Until != 0 && time.Duration(now.wall) > over || now.since(s.since) > s.patience*3/4
}

// release gives the lease back, if it is held still.
func (s *share) release(ctx context.Context) {
	if s.lease != "" {
		_ = s.store.Delete(ctx, s.leaseKey(), s.lease)
	}
}

// giveUp gives the lease back after a call that failed, when the others need not
// know of that any more.
func (s *share) giveUp(ctx context.Context, err error) {
	l, wait := s.entry.client.manager.afterFailure(err, readClocks())
	if l == nil {
		s.release(ctx)
	} else if s.lease != "" {
		_, _ = s.store.Save(ctx, s.leaseKey(), l.encode(), s.lease, wait)
	}
}
