// Package authotel shows what package authtrip does with tokens as metrics and
// spans of OpenTelemetry. It is named so that it can stand beside package otel
// in one file:
//
//	import (
//		authotel "github.com/authtrip/authtrip/contrib/otel"
//		"go.opentelemetry.io/otel"
//	)
//
//	tel, err := authotel.New() // the global MeterProvider and TracerProvider
//	mgr, err := authtrip.NewManager(registrations, tel.Hooks())
//	defer tel.Close()
//
// A request with a fresh token is told of nowhere and costs nothing more. There
// is no goroutine; nothing is registered but with the providers.
//
// # Metrics
//
//	name                               type       unit        attributes
//	authtrip.token_call.duration       histogram  s           registration, why, outcome, server.address, server.port, error.type
//	authtrip.token.remaining_lifetime  gauge      s           registration
//	authtrip.token.wait.duration       histogram  s           registration, error.type
//	authtrip.token.rejections          counter    {response}  registration, first, http.response.status_code
//	authtrip.request.replays           counter    {request}   registration, replay outcome, error.type
//	authtrip.response.undecided        counter    {response}  registration
//	authtrip.circuit.state             0 or 1     {circuit}   server.address, server.port, state
//	authtrip.store.failing             0 or 1     {store}
//	authtrip.store.record_failures     counter    {record}    registration, error.type
//
// The attributes without a dot are, in full:
//
//	authtrip.registration        the registration's ID, see WithRegistrationName
//	authtrip.token_call.why      see authtrip.TokenCall.Why
//	authtrip.token_call.outcome  see authtrip.TokenCall.Outcome
//	authtrip.rejection.first     see authtrip.Hooks.Rejected
//	authtrip.replay.outcome      accepted, rejected, failed: no response, or not_replayed
//	authtrip.circuit.state       closed, half-open, open: one series for each; that of the state it is in is 1
//
// error.type is an OAuth 2.0 error code of the standards, else the status of
// the reply, or one of a few words such as timeout and connection_refused, and
// caller_timeout where a request's own deadline came first. It is left out where
// there is no error. Servers cannot create series or put text into labels.
//
// With the first token call of a registration its likely series of the counters
// begin, with 0. Those of the histograms begin with what happens first.
//
// What is left of a token is computed when it is read, and is that of the
// registration's latest token, from a token call or from the Store, and of the one
// that ends first where several go by one name. 0: it has ended. There is none from
// the start of a call that is made because it was dropped or rejected. Users'
// tokens have no such series: there would be one for each user, or one that says
// nothing.
//
// A circuit leaves "open" when somebody asks for a token, and that a Store works
// again is noticed when it is needed next: of a process that nobody asks these two
// say what was.
//
// "0 or 1" is of one Telemetry: where several share a MeterProvider, theirs add up.
// Of what is left of the tokens of registrations with one ID, that of one of them
// is shown: give such registrations names that differ, see [WithRegistrationName].
//
// By a Prometheus exporter's defaults dots are underscores, and units and
// "_total" are appended: authtrip_token_call_duration_seconds_bucket. For those
// there are a Grafana dashboard, grafana/authtrip.json beside this file, and
// alert rules in docs/otel.md.
//
// # Spans
//
// A token call is a span "token call <registration>" of kind client: the root of
// a trace of its own, since many requests may wait for it. It is linked to each
// request that waited, up to 128, and each of these whose span is still open is
// linked to it; a renewal behind requests is linked to the one that began it. Only
// what is sampled is linked. It has the attributes of the duration, and
//
//	authtrip.token_call.attempts  requests to the token endpoint
//	authtrip.token_call.waiters   requests that waited, also those beyond 128
//	authtrip.token.lifetime       for how long the token will be used, in seconds
//
// with status Error and the error's text where something went wrong. Where another
// process made the call there is no span.
//
// What happens to a request is an event of the span in its context:
//
//	authtrip.token.waited          authtrip.token.wait in seconds, error.type
//	authtrip.token.rejected        authtrip.rejection.first, http.response.status_code
//	authtrip.request.replay        it is about to be sent again
//	authtrip.request.replayed      authtrip.replay.outcome, error.type
//	authtrip.request.not_replayed  authtrip.reason, error.type
//	authtrip.response.undecided    authtrip.reason, error.type
//
// # Beside otelhttp
//
// An [otelhttp.Transport] works in either order. Outside an authtrip.Transport
// its one span for both sends gets http.request.resend_count when there was a
// second. Other spans are left alone. Inside, the span of the second send gets it.
//
// An otelhttp inside needs [ResendCounts] if you give it a TracerProvider, or if
// requests have no span; so does another instrumentation that does not take its
// TracerProvider from the request's span. Nothing else needs it. For the whole
// program:
//
//	otel.SetTracerProvider(authotel.ResendCounts(provider))
//
// To see the HTTP exchanges of token calls under their spans, put otelhttp in a
// [TokenTransport]. By itself, as authtrip.WithTokenTransport, it would export
// the query of token endpoints that are called with GET, with codes and refresh
// tokens in it, and the text of errors, which may repeat a server's reply.
//
// # Many registrations
//
// Series are by registration, never by user. An SDK of OpenTelemetry keeps 2,000
// series of an instrument, unless told otherwise, and puts what is beyond into
// one with the attribute otel.metric.overflow. Of the duration a registration
// has a series for each reason and outcome that occurs: three to ten. With some
// hundreds of registrations give them fewer names, such as the tenant's plan or
// region, or none: [WithRegistrationName]. The spans are called by that name too.
//
// # Secrets
//
// No attribute, event or status holds a token, a secret, a principal, or a URL's
// path or query. Errors are shown in spans as authtrip words them, without
// secrets.
//
// [otelhttp.Transport]: https://pkg.go.dev/go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp#Transport
package authotel
