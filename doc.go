// Package authtrip puts a valid OAuth 2.0 token on every request of the HTTP
// client you have.
//
// Wrap the client's transport:
//
//	src, err := authtrip.NewSource(registration)
//	client.Transport = &authtrip.Transport{Source: src, Base: client.Transport}
//
// A [Registration] says where tokens come from, which headers carry them,
// which origins may have them and which response rejects them. Packages such
// as nhn have them ready made.
//
// # The life of a token
//
// The first request that needs a token gets it; others that come meanwhile
// wait for the same token call, each until its own context ends. For two
// thirds of its lifetime a token is fresh. Then it is stale: requests go on
// with it while it is renewed behind them, and when that fails, it is tried
// again ever later. A little before its end, by either clock of the machine,
// it is expired and requests wait for another.
//
// When a server rejects a token, that token becomes suspect: it is replaced by
// one token call, however many requests it was rejected for, and each of them
// is sent once more. If no other token can be had, the caller gets the server's
// response as it came, and the suspect goes on being used until it expires:
// one odd answer takes nothing from anybody. Until a request that was sent again
// is accepted, further tokens are asked for ever more rarely.
//
// Services that answer 200 whatever happens say in an [Envelope] that they
// reject a token.
//
// # Users
//
// With the grant [AuthorizationCode] each user is a principal with tokens of
// its own: [Manager.SourceFor], then [Source.AuthCodeURL] and [Source.Exchange]
// when the user comes back, or [Source.ExchangeCode]. Access tokens are renewed
// with the refresh token, which is kept in a [Store] and saved, when the server
// replaced it, before the access token that came with it is used. When it has
// ended, requests get [ErrAuthorizationRequired]. A [Transport] of a [Manager]
// chooses by the request's context: see [WithRegistration], [WithPrincipal],
// [WithScopes].
//
// # Many processes
//
// Processes that are given the same [Store] by [WithStore] share tokens: one of
// them makes the token call, and the others find what it brought. What the Store
// keeps is sealed: see [Encryption]. Without it, when it fails, each goes on by
// itself.
//
// # When the authorization server fails
//
// Network errors, time-outs, 5xx and replies that are no token reply open a
// circuit breaker, one for each authorization server of a [Manager]. Requests
// that have a valid token notice nothing; others fail at once with
// [ErrCircuitOpen], and [RetryAfter] says when to come back. An error that
// trying again would not mend, such as invalid_client, is remembered for 1 s,
// doubling to 60 s. [Policy] has the figures.
//
// # Errors
//
// The client's error is a *[net/url.Error]; [errors.Is] and [errors.As] look
// through it. No request leaves without a token that should have one. Errors
// name the registration and the server and never hold a token, a secret or a
// reply's body.
//
// # Concurrency
//
// Everything is safe for concurrent use. A token call runs on goroutines of
// its own, bounded by [Policy].FetchTimeout and by Close, and independent of
// its callers' contexts. One that redeems a code or a refresh token may take
// twice that, and is independent of Close too, which waits for it. Between
// token calls there are no goroutines and no timers.
package authtrip
