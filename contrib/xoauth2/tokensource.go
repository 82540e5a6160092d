package xoauth2

import (
	"context"

	"golang.org/x/oauth2"

	"github.com/authtrip/authtrip"
)

// TokenSource returns src as an [oauth2.TokenSource], for what takes nothing
// else. It is safe for concurrent use.
//
// Its Token is [authtrip.Source.Token] and has its errors. The values of ctx
// go with every call, for Hooks.TokenCallStart; its end and its deadline are not
// heard, so that a TokenSource made during a request lives on after it. What
// bounds a call is Policy.FetchTimeout.
//
// The Expiry of a token is when src stops using it, a little before the
// server's own figure, and zero when the server gave none.
//
// Do not put [oauth2.ReuseTokenSource] around it: src keeps the token itself,
// and the copy in there stays in use until it expires, or for ever if it has no
// Expiry, although it was revoked and src has another. [oauth2.NewClient] does
// just that: use an [oauth2.Transport] in its place.
func TokenSource(ctx context.Context, src *authtrip.Source) oauth2.TokenSource {
	if ctx == nil { // x/oauth2 takes it
		ctx = context.Background()
	}
	ctx = context.WithoutCancel(ctx)
	return tokenSource(func() (*oauth2.Token, error) {
		tok, err := src.Token(ctx)
		if err != nil {
			return nil, err
		}
		// Another copy for every call: ReuseTokenSource writes to it.
		return &oauth2.Token{AccessToken: tok.AccessToken(), TokenType: "Bearer", Expiry: tok.Expiry()}, nil
	})
}

// tokenSource is a func because fmt opens none: a context's values are not for
// logs.
type tokenSource func() (*oauth2.Token, error)

// Token implements [oauth2.TokenSource].
func (f tokenSource) Token() (*oauth2.Token, error) { return f() }
