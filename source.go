package authtrip

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
)

// Source is a handle on the life of one access token: it is obtained when
// first needed, renewed before it expires, and replaced when a server rejects
// it. However many goroutines wait for it, one token call is made.
//
// A Source is safe for concurrent use. It holds no goroutine and no timer
// while no token call is under way.
type Source struct {
	entry  *entry
	owned  *Manager // the Manager of one that ends with the Source, or nil
	closed atomic.Bool
}

// Authorizer is what a [Transport] gets its tokens from: a *[Source], or a
// *[Manager] with one registration.
type Authorizer interface {
	entryFor(context.Context) (*entry, error)
}

var (
	_ Authorizer = (*Source)(nil)
	_ Authorizer = (*Manager)(nil)
)

// NewSource returns a Source for one registration, or every fault of it in one
// error. It does no I/O: the first token is asked for when it is needed.
func NewSource(r Registration, options ...Option) (*Source, error) {
	m, err := NewManager([]Registration{r}, options...)
	if err != nil {
		return nil, err
	}
	s, err := m.Source(r.ID)
	if err != nil {
		return nil, err
	}
	s.owned = m
	return s, nil
}

// Token returns a token that may be sent now, and waits for one if there is
// none. It leaves with ctx's error, wrapped, when ctx ends first; the token
// call goes on for the others that wait. Further errors: *[ServerError],
// [ErrCircuitOpen], [ErrClosed], and what the network said.
func (s *Source) Token(ctx context.Context) (Token, error) {
	e, err := s.entryFor(ctx)
	if err != nil {
		return Token{}, err
	}
	t, err := e.get(ctx, nil)
	if err != nil {
		return Token{}, err
	}
	return Token{t}, nil
}

// Invalidate drops tok if it is the token in use: the next caller waits for
// another. A Transport needs no such help; it is for those who attach tokens
// themselves and see one rejected.
func (s *Source) Invalidate(tok Token) {
	if s != nil && s.entry != nil && tok.t != nil {
		s.entry.drop(tok.t)
	}
}

// Revoke drops the token in use, whatever follows, and asks the server to end
// it (RFC 7009). Without a token in use it does nothing. The next request gets
// a new token. ctx bounds the call, as does the FetchTimeout.
func (s *Source) Revoke(ctx context.Context) error {
	e, err := s.entryFor(ctx)
	if err != nil {
		return err
	}
	return e.revoke(ctx)
}

// Close ends a Source from [NewSource], as [Manager.Close] does: token calls
// under way are given up, their callers and all later ones get ErrClosed. A
// Source from [Manager.Source] ends alone: its own calls get ErrClosed, the
// Manager and its other Sources go on. Calling it again does nothing. It
// returns nil.
func (s *Source) Close() error {
	if s == nil || s.entry == nil || s.closed.Swap(true) || s.owned == nil {
		return nil
	}
	return s.owned.Close()
}

// Format implements [fmt.Formatter] and prints the registration's ID for every
// verb: what a Source holds is not for logs, and changes while it is printed.
func (s *Source) Format(f fmt.State, _ rune) {
	id := ""
	if s != nil && s.entry != nil {
		id = s.entry.client.ID
	}
	_, _ = fmt.Fprintf(f, "authtrip.Source(%q)", id)
}

func (s *Source) entryFor(context.Context) (*entry, error) {
	if s == nil || s.entry == nil {
		return nil, errors.New("authtrip: the Source is nil or zero: make one with NewSource")
	}
	if s.closed.Load() {
		return nil, s.entry.fail(ErrClosed)
	}
	return s.entry, nil
}
