// Package xoauth2 lets programs move between golang.org/x/oauth2 and authtrip,
// in either direction and by halves.
//
// # From x/oauth2
//
// A Config becomes a registration, whose token calls are the same on the wire:
//
//	reg := xoauth2.FromClientCredentials("payments", cfg) // *clientcredentials.Config
//	reg := xoauth2.FromConfig("photos", cfg)              // *oauth2.Config, for users
//	reg.Origins = []string{"api.example.com"}
//	src, err := authtrip.NewSource(reg)
//	client.Transport = &authtrip.Transport{Source: src, Base: client.Transport}
//
// So does a TokenSource that has no Config, a vendor's or
// google.DefaultTokenSource's; what it keeps for itself decides what can be
// done about a rejected token, see [FromTokenSource]:
//
//	reg, err := xoauth2.FromTokenSource("google", ts)
//
// An [oauth2.HTTPClient] in the context has its counterpart in
// Registration.TokenTransport: set it to that client's Transport. That of a
// TokenSource stays in the TokenSource.
//
// # To x/oauth2
//
// A Source is a TokenSource for the libraries that take one:
//
//	ts := xoauth2.TokenSource(ctx, src)
//	client := &http.Client{Transport: &oauth2.Transport{Source: ts}}
//
// It shares src's token, its renewal behind the requests and its circuit
// breaker. What is done with the token is the taker's affair, and
// [oauth2.Transport] does less than authtrip's: it tells nobody that a token was
// rejected, so that neither another is asked for nor the request sent again; it
// sends the token to every host that it is used for, redirects and Origins
// notwithstanding; and always as "Authorization: Bearer". Where an http.Client
// or an http.RoundTripper goes in, use an [authtrip.Transport].
//
// # Secrets
//
// Nothing of this package prints one. The [oauth2.Token] that a TokenSource
// returns is x/oauth2's, and prints its token; an error that a TokenSource wrote
// is shown as it is, unless it is or wraps an [oauth2.RetrieveError]: of that the
// server's code and description are shown, the latter cut to 200 characters, and
// never the body.
package xoauth2
