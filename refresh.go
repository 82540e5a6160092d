package authtrip

import (
	"cmp"
	"context"
	"crypto/rand"
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
func (e *entry) refreshFlight(k *call, n need, asOf uint64) outcome {
	if !e.client.manager.beginAwaited() {
		return outcome{err: ErrClosed, asOf: asOf}
	}
	defer e.client.manager.awaited.Done()
	ctx, cancel := context.WithTimeout(context.Background(), e.client.manager.policy.FetchTimeout)
	defer cancel()
	l := e.borrowLogin()
	defer l.giveBack(e)
	if err := l.takeTurn(ctx); err != nil {
		return e.failed(asOf, err)
	}
	defer l.giveTurn()
	done, asOf := e.begin(n) // again: an Exchange may have had the turn
	if done != nil {
		return outcome{token: done, asOf: asOf}
	}
	if e.client.manager.closed() {
		return outcome{err: ErrClosed, asOf: asOf}
	}
	sentAt, reply, err := e.refresh(ctx, k, l, n)
	if err != nil {
		return e.failed(asOf, err)
	}
	return e.received(asOf, sentAt, reply, l.hasOwed.Load())
}

// refresh gets an access token: one that somebody else put into the Store, or
// with the principal's refresh token, and when that has ended with one that the
// registration has since. The turn is held.
func (e *entry) refresh(ctx context.Context, k *call, l *login, n need) (instant, *tokenReply, error) {
	var ended *grantEnded
	for {
		claimed, found, err := e.claimRefresh(ctx, l, n)
		switch {
		case err != nil && ended != nil:
			return instant{}, nil, ended
		case err != nil:
			return instant{}, nil, err
		case found != nil:
			return readClocks(), found, nil
		case claimed.Ended:
			return instant{}, nil, ErrAuthorizationRequired
		}
		token := claimed.RefreshToken
		sentAt, reply, err := e.fetch(ctx, k, e.refreshRequest(token))
		said, _ := err.(*ServerError)
		switch {
		case reply != nil: // beside an error too: the old refresh token may be spent
			l.settle(e, claimed, claimed.with(reply, sentAt, cmp.Or(reply.refresh, token), e.fingerprint()))
		case said != nil && said.Code == "invalid_grant":
			if l.bury(claimed) {
				continue // somebody has a newer one
			}
			if ended != nil || e.client.RefreshToken == nil {
				return sentAt, nil, &grantEnded{said}
			}
			ended = &grantEnded{said}
			continue
		default:
			l.settle(e, claimed, claimed.free())
		}
		return sentAt, reply, err
	}
}

// claimRefresh returns the record whose refresh token is to be redeemed, or an
// access token that makes that needless.
func (e *entry) claimRefresh(ctx context.Context, l *login, n need) (claimed *record, found *tokenReply, err error) {
	claimed, err = l.claim(ctx, func(r *record) (*record, error) {
		found = r.reply(e.fingerprint(), time.Now())
		gaveUp, forGood := e.gaveUp(r.AccessToken)
		switch {
		case found != nil && !e.had(found.token) && found.token != n.unwanted:
			return nil, nil
		case r.RefreshToken != "":
			found = nil
			return l.announced(r), e.client.breaker.refuses(readClocks())
		case found != nil && !gaveUp: // all there is, and it may work yet
			return nil, nil
		}
		found = nil
		token, err := l.initial(ctx, r)
		switch {
		case err != nil:
			return nil, err
		case token != "":
			return l.announced(&record{Login: rand.Text(), RefreshToken: token, Given: digest(token)}), nil
		case forGood:
			return r.ended(), nil
		}
		return nil, ErrAuthorizationRequired
	})
	return claimed, found, err
}

// refreshRequest is the grant of RFC 6749 §6. The scope is named only when it
// is another than was granted.
func (e *entry) refreshRequest(token string) request {
	params := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
	if e.client.scoped() != nil {
		params.Set("scope", strings.Join(e.client.asked(), " "))
	}
	return request{params: params, secrets: []string{token}, redeems: true}
}

// bury ends a login whose refresh token the server refused, unless the Store
// has another by now, which it reports.
func (l *login) bury(dead *record) (newer bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*storeWait)
	defer cancel()
	_, err := l.update(ctx, func(r *record) (*record, error) {
		same := r.Login == dead.Login && r.RefreshToken == dead.RefreshToken
		if newer = !same && (r.RefreshToken != "" || r.AccessToken != ""); newer {
			return nil, nil
		}
		return r.ended(), nil
	})
	if err != nil && !newer {
		l.owe(&change{login: loginID(dead.Login), next: dead.ended(), claimed: dead})
	}
	return newer
}
