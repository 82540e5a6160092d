package authotel

import (
	"net/url"
	"strconv"

	"github.com/authtrip/authtrip"
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// The attributes that the semantic conventions have no name for.
const (
	registrationKey   = attribute.Key("authtrip.registration")
	whyKey            = attribute.Key("authtrip.token_call.why")
	outcomeKey        = attribute.Key("authtrip.token_call.outcome")
	attemptsKey       = attribute.Key("authtrip.token_call.attempts")
	waitersKey        = attribute.Key("authtrip.token_call.waiters")
	lifetimeKey       = attribute.Key("authtrip.token.lifetime")
	waitKey           = attribute.Key("authtrip.token.wait")
	firstKey          = attribute.Key("authtrip.rejection.first")
	replayOutcomeKey  = attribute.Key("authtrip.replay.outcome")
	reasonKey         = attribute.Key("authtrip.reason")
	replayAccepted    = "accepted"
	replayRejected    = "rejected"
	replayFailed      = "failed"
	replayNotReplayed = "not_replayed"
)

// callAttributes are what is known of a token call from its beginning.
func (t *Telemetry) callAttributes(call authtrip.TokenCall) []attribute.KeyValue {
	return append(append(t.about(call.Registration, nil), whyKey.String(call.Why)), serverAttributes(call.Server)...)
}

// outcomeAttributes are what is known when it has ended.
func outcomeAttributes(call authtrip.TokenCall) []attribute.KeyValue {
	all := []attribute.KeyValue{outcomeKey.String(call.Outcome)}
	if call.Err != nil {
		all = append(all, semconv.ErrorTypeKey.String(errorType(call.Err)))
	}
	return all
}

// serverAttributes are those of an authorization server, such as
// "https://auth.example.com:443".
func serverAttributes(server string) []attribute.KeyValue {
	u, err := url.Parse(server)
	if err != nil || u.Host == "" {
		return []attribute.KeyValue{semconv.ServerAddress(server)}
	}
	all := make([]attribute.KeyValue, 0, 3)
	all = append(all, semconv.ServerAddress(u.Hostname()))
	if port, err := strconv.Atoi(u.Port()); err == nil {
		all = append(all, semconv.ServerPort(port))
	}
	return all
}
