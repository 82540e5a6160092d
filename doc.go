// Package authtrip puts a valid OAuth 2.0 token on every request of the HTTP
// client you have.
//
// # One client, one token
//
// Wrap the client's transport:
//
//	src, err := authtrip.NewSource(registration)
//	client.Transport = &authtrip.Transport{Source: src, Base: client.Transport}
//
// A [Registration] says where tokens come from, which headers carry them,
// which origins may have them and which response rejects them. Four fields will
// do for a server of RFC 6749, as in the example of [NewSource]; Origins should
// be the fifth. Packages nhn and prism have registrations ready made:
//
//	creds, err := nhn.CredentialsFromEnv()
//	client, err := nhn.NewClient(creds) // an *http.Client
//
// A [Source] is a handle on the life of one token. A [Transport] uses it; a
// program that attaches tokens by other means does so too: [Source.Token] hands
// the token out, [Source.Attach] puts it on a request that somebody else sends,
// [Source.Suspect] hears that a server rejected it, [Source.Revoke] ends it.
// Resty v2 is in package middleware, Resty v3, gRPC and golang.org/x/oauth2 are
// in modules under contrib.
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
// one odd answer takes nothing from anybody. Until a repeated request is accepted,
// authtrip asks for new tokens less and less often.
//
// A request is sent again only if its body can be had again; see [Transport]. A
// 401 rejects a token as [RejectBearer] says. Services that answer 200 whatever
// happens say in an [Envelope] that they reject it. A layer that retries by
// itself sets Transport.NoReplay and asks [Rejected].
//
// # Users
//
// With the grant [AuthorizationCode] each user is a principal with tokens of
// its own. A handler begins the login, another ends it:
//
//	src, err := mgr.SourceFor("photos", "user-42")
//	url, flow, err := src.AuthCodeURL(ctx)       // keep flow in the user's session
//	err = src.Exchange(ctx, flow, r.URL.Query()) // in the callback
//
// The example of [Source.Exchange] is the whole. [Source.ExchangeCode] takes a
// code that came another way. Access tokens are renewed
// with the refresh token, which is kept in a [Store] and saved, when the server
// replaced it, before the access token that came with it is used. When it has
// ended, requests get [ErrAuthorizationRequired].
//
// # Many registrations, many users
//
// A [Manager] keeps the tokens of many registrations, and of their users. A
// Transport of a Manager chooses by the request's context, as in the example of
// [WithRegistration]:
//
//	client.Transport = &authtrip.Transport{Source: mgr, Base: client.Transport}
//	req = req.WithContext(authtrip.WithPrincipal(ctx, "user-42"))
//
// See [WithRegistration], [WithPrincipal] and [WithScopes]. Registrations come
// from YAML or the environment too: contrib/config.
//
// # Many processes
//
// Processes that are given the same [Store] by [WithStore] share tokens: one of
// them makes the token call, and the others find what it brought. What the Store
// keeps is sealed, as in the example of [Encryption]. Without it, when it fails,
// each goes on by itself.
//
//	src, err := authtrip.NewSource(registration, authtrip.WithStore(store),
//		authtrip.Encryption{Keys: []authtrip.Secret{key}})
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
// reply's body. What a server said is a [*ServerError]; the example of
// [RetryAfter] tells errors apart.
//
// # Seeing what it does
//
// [WithLogger] writes what changes, once, to a [log/slog.Logger]; without it
// the package is silent. [Hooks] are told of every token call, rejection and
// request that is sent again, and of a Store or a server that fails; both are
// options, and may be given together:
//
//	src, err := authtrip.NewSource(registration, authtrip.WithLogger(slog.Default()),
//		authtrip.Hooks{CircuitChanged: tellOperators})
//
// [Source.Stats] are plain numbers for a health page. Metrics and traces for
// OpenTelemetry are in contrib/otel.
//
// # Concurrency
//
// Everything is safe for concurrent use. A token call runs on goroutines of
// its own, bounded by [Policy].FetchTimeout and by Close, and independent of
// its callers' contexts. One that redeems a code or a refresh token may take
// twice that, and is independent of Close too, which waits for it. Between
// token calls there are no goroutines and no timers, but for what has yet to be
// saved or told.
//
// # Testing
//
// Package authtest has emulators to test against, on sockets or in a
// testing/synctest bubble. Package storetest is what a Store promises, as tests.
package authtrip
