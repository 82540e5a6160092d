package authtrip

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"slices"
)

var errNoRevocation = errors.New("the registration has no RevocationEndpoint: the token was dropped here, and the server was not told")

// revoke drops the token in use and asks the server to end it.
func (e *entry) revoke(ctx context.Context) error {
	t := e.current.Load()
	if t != nil {
		e.drop(t)
	}
	switch {
	case e.client.manager.closed():
		return e.fail(ErrClosed)
	case e.client.users:
		return e.endLogin(ctx, t)
	}
	token := ""
	if t == nil {
		t = e.unrevoked()
	}
	if t != nil {
		token = t.token()
	}
	if e.client.manager.shares() {
		token = e.unshare(ctx, token)
	}
	switch {
	case e.client.RevocationEndpoint.URL == "":
		return e.fail(errNoRevocation)
	case token == "":
		return nil
	}
	if ctx.Err() != nil {
		return e.failAt(e.client.revocationServer, noAnswer(ctx))
	}
	bounded, cancel := e.client.manager.bound(ctx)
	defer cancel()
	err := e.revokeAtServer(bounded, token, "")
	if t == nil { // it was the Store's, which has it no more
		t = newIssued(token, e.client.RawToken, readClocks())
	}
	e.noteRevoked(t, err == nil)
	if _, answered := errors.AsType[*ServerError](err); err != nil && !answered && ctx.Err() == nil && e.client.manager.closed() {
		return e.failAt(e.client.revocationServer, ErrClosed)
	}
	return err
}

// unshare removes the token that is to be revoked from the Store, so that nobody
// begins with it; those who have it find out by themselves. Empty is the one that
// is there, which is returned.
func (e *entry) unshare(ctx context.Context, token string) string {
	ctx, cancel := context.WithTimeout(ctx, 2*storeWait)
	defer cancel()
	cred, err := contained(ctx, func() (credentials, error) { return e.client.credentials(ctx, nil) })
	if err != nil || !e.client.manager.store.health.admits(&e.client.manager.store.health.reads) {
		return token
	}
	return cmp.Or(e.share(cred).remove(ctx, token), token)
}

// endLogin ends what the principal granted: in the Store, all access tokens
// here, and the tokens at the server, each whatever becomes of the others. Once
// begun it goes on without its caller. What the server could not be told stays
// in the Store for another try.
func (e *entry) endLogin(ctx context.Context, inUse *issued) error {
	e.client.manager.forget(e.client, e.principal, nil)
	// It may have to wait for several calls for other scopes.
	return e.detached(ctx, 6*e.client.manager.policy.FetchTimeout, func(_, _ context.Context, l *login) error {
		ctx, cancel := context.WithTimeout(context.Background(), e.client.manager.policy.FetchTimeout)
		defer cancel()
		l.manager.forget(e.client, e.principal, nil) // what those brought
		tell, err := l.end(ctx)
		if e.client.RevocationEndpoint.URL == "" {
			return errors.Join(err, l.leave(tell, nil), e.fail(errNoRevocation))
		}
		if inUse != nil {
			if access := (revocation{inUse.token(), "access_token"}); !slices.Contains(tell, access) {
				tell = append(tell, access)
			}
		}
		errs := []error{err}
		var told, untold []revocation
		for _, t := range tell {
			err := e.revokeAtServer(context.Background(), t.Token, t.Hint)
			if errs = append(errs, err); err == nil {
				told = append(told, t)
			} else {
				untold = append(untold, t)
			}
		}
		return errors.Join(append(errs, l.leave(told, untold))...)
	})
}

// end ends the login in the Store, and returns what the server is to be told.
// It waits for another process that is using the refresh token. What the Store
// refuses is owed.
func (l *login) end(ctx context.Context) ([]revocation, error) {
	var after *record
	_, err := l.claim(ctx, func(r *record) (*record, error) {
		after = r.revoked()
		switch {
		case r.RefreshToken != "" || r.AccessToken != "":
			return after, nil
		case r.Ended: // before, and perhaps untold
			return nil, nil
		}
		token, err := l.initial(ctx, r) // of a login that has not begun
		if err != nil || token == "" {
			return nil, err
		}
		after = (&record{Login: rand.Text(), RefreshToken: token, Given: digest(token)}).revoked()
		return after, nil
	})
	if err == nil {
		return after.Untold, nil
	}
	switch {
	case l.owed != nil:
		l.owed.revoked = true
		if after == nil && l.owed.next != nil {
			after = l.owed.next.revoked()
		}
	case l.seen.Load() != 0:
		l.owe(&change{login: l.seen.Load(), revoked: true})
	}
	if after == nil {
		return nil, err
	}
	return after.Untold, err
}

// leave writes what the server still has to be told of the login that has
// ended, or remembers what it was told, while the Store does not know the end.
func (l *login) leave(told, untold []revocation) error {
	if l.owed != nil {
		l.owed.told = told
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*storeWait)
	defer cancel()
	ended := l.seen.Load()
	_, err := l.update(ctx, func(r *record) (*record, error) {
		if loginID(r.Login) != ended || !r.Ended || len(r.Untold) == 0 && len(untold) == 0 {
			return nil, nil
		}
		next := *r
		next.Untold = untold
		return &next, nil
	})
	return err
}

// revokeAtServer makes the revocation call.
func (e *entry) revokeAtServer(ctx context.Context, token, hint string) error {
	ctx, cancel := context.WithTimeout(ctx, e.client.manager.policy.FetchTimeout)
	defer cancel()
	_, err := contained(ctx, func() (struct{}, error) { return struct{}{}, e.revokeWith(ctx, token, hint, nil) })
	if err != nil {
		if _, answered := err.(*ServerError); !answered && ctx.Err() != nil {
			err = noAnswer(ctx) // and not what a transport makes of it
		}
		return e.failAt(e.client.revocationServer, err)
	}
	return nil
}

// revokeWith makes the call, with other credentials than the refused ones.
func (e *entry) revokeWith(ctx context.Context, token, hint string, refused *credentials) error {
	cred, err := e.client.credentials(ctx, refused)
	if err != nil {
		return &configError{"Credentials", err}
	}
	err = e.client.revokeToken(ctx, e.client.TokenTransport, cred, token, hint, e.known())
	if said, ok := err.(*ServerError); ok && said.Code == "invalid_client" && e.client.Credentials != nil && refused == nil {
		return e.revokeWith(ctx, token, hint, &cred)
	}
	return err
}
