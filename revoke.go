package authtrip

import (
	"context"
	"crypto/rand"
	"errors"
)

var errNoRevocation = errors.New("the registration has no RevocationEndpoint: the token was dropped here, and the server was not told")

// revoke drops the token in use and asks the server to end it.
func (e *entry) revoke(ctx context.Context) error {
	t := e.current.Load()
	if t != nil {
		e.drop(t)
	}
	switch {
	case e.manager.closed():
		return e.fail(ErrClosed)
	case e.login != nil:
		return e.endLogin(ctx, t)
	case e.client.RevocationEndpoint.URL == "":
		return e.fail(errNoRevocation)
	case t == nil:
		return nil
	}
	return e.revokeAtServer(ctx, t.text.token, "")
}

// endLogin ends what the principal granted: in the Store, all access tokens
// here, and the tokens at the server, each whatever becomes of the others. Once
// begun it goes on without its caller.
func (e *entry) endLogin(ctx context.Context, inUse *issued) error {
	return e.detached(ctx, func(ctx, _ context.Context) error {
		l := e.login
		l.manager.forget(l, nil)
		was, err := l.end(ctx)
		l.manager.forget(l, nil) // what a flight brought meanwhile
		if e.client.RevocationEndpoint.URL == "" {
			return errors.Join(err, e.fail(errNoRevocation))
		}
		access := was.AccessToken
		if inUse != nil {
			access = inUse.text.token
		}
		errs := []error{err}
		for _, t := range []struct{ token, hint string }{{was.RefreshToken, "refresh_token"}, {access, "access_token"}} {
			if t.token != "" {
				errs = append(errs, e.revokeAtServer(context.WithoutCancel(ctx), t.token, t.hint))
			}
		}
		return errors.Join(errs...)
	})
}

// end ends the login in the Store, and returns what its record was. It waits
// for another process that is using the refresh token. What the Store refuses
// is owed.
func (l *login) end(ctx context.Context) (*record, error) {
	was := &record{}
	_, err := l.claim(ctx, func(r *record) (*record, error) {
		was = r
		if r.RefreshToken == "" && r.AccessToken == "" { // a login that has not begun
			token, err := l.initial(ctx, r)
			if err != nil || token == "" {
				return nil, err
			}
			was = &record{Login: rand.Text(), RefreshToken: token, Given: digest(token)}
			return was.ended(), nil
		}
		return r.ended(), nil
	})
	if err != nil && l.seen != "" {
		l.owe(&change{login: l.seen})
	}
	return was, err
}

// revokeAtServer makes the revocation call.
func (e *entry) revokeAtServer(ctx context.Context, token, hint string) error {
	ctx, cancel := context.WithTimeout(ctx, e.manager.policy.FetchTimeout)
	defer cancel()
	_, err := contained(ctx, func() (struct{}, error) { return struct{}{}, e.revokeWith(ctx, token, hint, nil) })
	if err != nil {
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
	err = e.client.revokeToken(ctx, e.manager.transport, cred, token, hint)
	if said, ok := err.(*ServerError); ok && said.Code == "invalid_client" && e.client.Credentials != nil && refused == nil {
		return e.revokeWith(ctx, token, hint, &cred)
	}
	return err
}
