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
	client    *client
	principal string
	hash      uint64 // of the key of the user's token
	owned     bool   // the Manager is of one, and ends with the Source
	closed    atomic.Bool
}

// Authorizer is what a [Transport] gets its tokens from: a *[Source], or a
// *[Manager], which chooses by the request's context.
type Authorizer interface {
	// entryFor returns the entry that a request with this context is for. It is
	// not pinned: it may be evicted.
	entryFor(context.Context) (*entry, error)
}

var (
	_ Authorizer = (*Source)(nil)
	_ Authorizer = (*Manager)(nil)
)

// NewSource returns a Source for one registration, or every fault of it in one
// error. It does no I/O: the first token is asked for when it is needed. Of a
// user's grant it is the token of one user, the principal "": a program with
// several users makes a Manager and asks for [Manager.SourceFor].
func NewSource(r Registration, options ...Option) (*Source, error) {
	m, err := NewManager([]Registration{r}, options...)
	if err != nil {
		return nil, err
	}
	s, err := m.Source(r.ID)
	if err != nil {
		return nil, err
	}
	s.owned = true
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
	if t := e.fresh(); t != nil {
		return tokenOf(t), nil
	}
	return e.await(ctx)
}

// await is Token where there is no fresh one. It is apart since a defer costs
// those who do not come to it, too.
func (e *entry) await(ctx context.Context) (Token, error) {
	e = e.pinned()
	defer e.unpin()
	t, err := e.get(ctx, nil)
	if err != nil {
		return Token{}, err
	}
	return tokenOf(t), nil
}

// Suspect tells that a server rejected tok. If tok is in use still, the next
// request waits for another, as it does after a [Transport] saw a rejection:
// however often tok is rejected, one token call replaces it; if no other can be
// had, tok goes on being sent; and while tokens that replaced another are
// rejected too, that is done ever more rarely, after 1 s, 2 s, … 60 s.
//
// It is for those who attach tokens themselves, or have [Source.Attach] do it,
// and see a rejection: take the token before the request, not after, when it may
// be another's successor. A Transport needs no such help.
func (s *Source) Suspect(tok Token) {
	if tok.t == nil {
		return
	}
	if e, err := s.entryFor(context.Background()); err == nil {
		e = e.pinned()
		defer e.unpin()
		e.tellRejected(context.Background(), 0, e.rejectedUnseen(tok.issued()))
	}
}

// Invalidate drops tok outright if it is the token in use: the next caller waits
// for another, and fails if there is none. Others who share the [Store] go on
// with it. For a token that a server rejected
// [Source.Suspect] is the better word.
func (s *Source) Invalidate(tok Token) {
	if tok.t == nil {
		return
	}
	if e, err := s.entryFor(context.Background()); err == nil {
		e = e.pinned()
		defer e.unpin()
		e.drop(tok.issued())
	}
}

// Revoke drops the token in use, whatever follows, and asks the server to end
// it (RFC 7009); without a RevocationEndpoint the error says that the server
// was not told. ctx bounds the call, as does the FetchTimeout. The next request
// gets a new token. A token that processes share is taken from the [Store] too,
// and with none in use the one there is revoked; the others find out when it is
// rejected.
//
// Of a user's grant it is the end: the refresh token is removed from the Store
// and revoked too, tokens of all scopes are dropped, and the next request gets
// [ErrAuthorizationRequired]. What has begun goes on when ctx ends. After an
// error call it again: for a day the Store keeps what the server could not be
// told.
func (s *Source) Revoke(ctx context.Context) error {
	e, err := s.entryFor(ctx)
	if err != nil {
		return err
	}
	e = e.pinned()
	defer e.unpin()
	return e.revoke(ctx)
}

// Close ends a Source from [NewSource], as [Manager.Close] does. A Source from
// [Manager.Source] or [Manager.SourceFor] ends alone: its own calls get
// ErrClosed, the Manager and its other Sources go on. Calling it again does
// nothing.
func (s *Source) Close() error {
	if s == nil || s.client == nil || s.closed.Swap(true) || !s.owned {
		return nil
	}
	return s.client.manager.Close()
}

// Format implements [fmt.Formatter] and prints the registration's ID for every
// verb: what a Source holds is not for logs, and changes while it is printed.
func (s *Source) Format(f fmt.State, _ rune) {
	id := ""
	if s != nil && s.client != nil {
		id = s.client.ID
	}
	_, _ = fmt.Fprintf(f, "authtrip.Source(%q)", id)
}

// entryFor implements [Authorizer]. The Source is the choice: the context makes
// none.
func (s *Source) entryFor(context.Context) (*entry, error) {
	if s == nil || s.client == nil {
		return nil, errors.New("authtrip: the Source is nil or zero: make one with NewSource")
	}
	c := s.client
	if s.closed.Load() || c.manager.closed() {
		return nil, c.own.fail(ErrClosed)
	}
	if !c.users {
		return &c.own, nil
	}
	return c.manager.entryAt(s.hash, c, s.principal, nil), nil
}

// of makes s the Source of one registration. It is for callers that are inlined:
// a Source that nobody keeps is then made on the stack.
func (s *Source) of(m *Manager, id string) (*Source, error) {
	c, hash, err := m.registration(id)
	if err != nil {
		return nil, err
	}
	s.client, s.hash = c, keyHash(hash, "", nil)
	return s, nil
}

// ofUser makes s the Source of one user.
func (s *Source) ofUser(m *Manager, id, principal string) (*Source, error) {
	c, hash, err := m.registration(id)
	if err != nil {
		return nil, err
	}
	if !c.users {
		return nil, c.own.fail(fmt.Errorf("its grant is %s, whose token is the client's and no user's: use Source", c.Grant))
	}
	s.client, s.principal, s.hash = c, principal, keyHash(hash, principal, nil)
	return s, nil
}
