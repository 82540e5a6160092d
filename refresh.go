package authtrip

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// grantEnded is ErrAuthorizationRequired with what the server said.
type grantEnded struct{ said *ServerError }

func (e *grantEnded) Error() string   { return fmt.Sprintf("%v; %v", ErrAuthorizationRequired, e.said) }
func (e *grantEnded) Unwrap() []error { return []error{ErrAuthorizationRequired, e.said} }

// refreshFlight is a flight that redeems the principal's refresh token. Neither
// its callers nor Close end the call: a refresh token that was rotated would be
// lost.
func (e *entry) refreshFlight(caller context.Context, asOf uint64) outcome {
	if !e.manager.beginRedeeming() {
		return outcome{err: ErrClosed, asOf: asOf}
	}
	defer e.manager.redeeming.Done()
	ctx, cancel := context.WithTimeout(context.Background(), e.manager.policy.FetchTimeout)
	defer cancel()
	if err := e.login.takeTurn(ctx); err != nil {
		return e.failed(asOf, err)
	}
	defer e.login.giveTurn()
	done, asOf := e.begin() // again: an Exchange may have had the turn
	if done != nil {
		return outcome{token: done, asOf: asOf}
	}
	sentAt, reply, err := e.refresh(ctx, caller)
	if err != nil {
		return e.failed(asOf, err)
	}
	return e.received(asOf, sentAt, reply)
}

// refresh gets an access token with the principal's refresh token. The turn is
// held.
func (e *entry) refresh(ctx, caller context.Context) (sentAt instant, reply *tokenReply, err error) {
	l := e.login
	for {
		rec, version, err := l.read()
		if err != nil {
			return sentAt, nil, err
		}
		if reply := rec.reply(e.fingerprint(), time.Now()); reply != nil && (rec.RefreshToken == "" || !e.had(reply.token)) {
			return readClocks(), reply, nil
		}
		if rec.RefreshToken == "" {
			if rec.RefreshToken, err = l.initial(ctx); err != nil {
				return sentAt, nil, err
			}
		}
		token := rec.RefreshToken
		if token == "" || sha256.Sum256([]byte(token)) == l.refused {
			return sentAt, nil, ErrAuthorizationRequired
		}
		version, ok, err := l.intend(ctx, rec, version)
		if err != nil {
			return sentAt, nil, err
		}
		if !ok {
			continue
		}
		sentAt, reply, err = e.fetch(ctx, caller, e.refreshRequest(token))
		said, _ := err.(*ServerError)
		switch {
		case reply != nil: // beside an error too: the old refresh token may be spent
			l.settle(recordOf(reply, sentAt, cmp.Or(reply.refresh, token), e.fingerprint()), token, version)
		case said != nil && said.Code == "invalid_grant":
			l.refused = sha256.Sum256([]byte(token))
			if l.bury(token) {
				continue // somebody has a newer one
			}
			return sentAt, nil, &grantEnded{said}
		default:
			l.settle(rec.without(), token, version)
		}
		if err != nil {
			return sentAt, nil, err
		}
		return sentAt, reply, nil
	}
}

// refreshRequest is the grant of RFC 6749 §6. The scope is named only when it
// is another than was granted.
func (e *entry) refreshRequest(token string) request {
	params := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
	if e.scoped {
		params.Set("scope", strings.Join(e.scopes, " "))
	}
	return request{params: params, secrets: []string{token}, redeems: true}
}

// bury removes the record of a refresh token that the server refused, unless
// the Store has another by now, which it reports.
func (l *login) bury(token string) (newer bool) {
	for range 5 {
		rec, version, err := l.load()
		if err != nil {
			_ = l.trouble(err, token)
			return false
		}
		if rec.RefreshToken != "" && rec.RefreshToken != token {
			return true
		}
		_, err = l.write(&record{}, version)
		if err == nil {
			return false
		}
		if !errors.Is(err, ErrConflict) {
			_ = l.trouble(err, token)
			return false
		}
	}
	return false
}
