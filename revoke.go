package authtrip

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"
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

// endLogin ends what the principal granted: the record in the Store, all access
// tokens here, and the tokens at the server. Once begun it goes on without its
// caller.
func (e *entry) endLogin(ctx context.Context, access *issued) error {
	return e.detached(ctx, func(ctx, _ context.Context) error {
		l := e.login
		l.manager.forget(l, nil)
		refresh, err := l.end(ctx)
		l.manager.forget(l, nil) // what a flight brought meanwhile
		if err != nil {
			return err
		}
		if e.client.RevocationEndpoint.URL == "" {
			return errNoRevocation
		}
		var errs []error
		if refresh != "" {
			errs = append(errs, e.revokeAtServer(ctx, refresh, "refresh_token"))
		}
		if access != nil {
			errs = append(errs, e.revokeAtServer(ctx, access.text.token, "access_token"))
		}
		return errors.Join(errs...)
	})
}

// end removes the record, and returns its refresh token. It waits for another
// process that is using that. A removal that the Store refuses is owed.
func (l *login) end(ctx context.Context) (refresh string, err error) {
	for {
		rec, version, err := l.load()
		if err == nil {
			if rec.heldFrom(l.manager.owner, time.Now()) && sleep(ctx, jitter(100*time.Millisecond, 0.5)) {
				continue
			}
			if l.unsaved != nil && l.unsaved.next != nil {
				rec.RefreshToken = l.unsaved.next.RefreshToken // the newer one
			}
			_, err = l.write(&record{}, version)
		}
		switch {
		case errors.Is(err, ErrConflict):
			continue
		case err != nil:
			l.owe(&change{})
			return "", l.trouble(err)
		}
		l.unsaved = nil
		l.hasUnsaved.Store(false)
		l.refused = sha256.Sum256([]byte(rec.RefreshToken)) // should Registration.RefreshToken give it again
		return rec.RefreshToken, nil
	}
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
