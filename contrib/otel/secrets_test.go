package authotel_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	authotel "github.com/authtrip/authtrip/contrib/otel"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// everything is all that is exported of traces and metrics, as one text.
func (w *telemetry) everything() string {
	w.t.Helper()
	var b strings.Builder
	for _, s := range w.exporter.GetSpans() {
		fmt.Fprintln(&b, s.Name, s.Status.Description, s.SpanContext.TraceState(), text(s.Attributes), text(s.Resource.Attributes()))
		for _, e := range s.Events {
			fmt.Fprintln(&b, e.Name, text(e.Attributes))
		}
		for _, l := range s.Links {
			fmt.Fprintln(&b, l.SpanContext.TraceState(), text(l.Attributes))
		}
	}
	var all metricdata.ResourceMetrics
	if err := w.reader.Collect(context.Background(), &all); err != nil {
		w.t.Fatal(err)
	}
	metrics, err := json.Marshal(all)
	if err != nil {
		w.t.Fatal(err)
	}
	b.Write(metrics)
	return b.String()
}

// wantNone expects none of the secrets, in no spelling.
func (w *telemetry) wantNone(secrets ...string) {
	w.t.Helper()
	all := w.everything()
	if len(all) < 1000 {
		w.t.Fatalf("little was exported: %s", all)
	}
	for _, s := range secrets {
		for _, form := range []string{s, url.QueryEscape(s), url.PathEscape(s), base64.StdEncoding.EncodeToString([]byte(s))} {
			if s == "" || strings.Contains(all, form) {
				w.t.Errorf("a secret is exported: %q", form)
			}
		}
	}
}

func TestNoSecretIsExported(t *testing.T) {
	w := &world{telemetry: newTelemetry(t), cloud: authtest.NewNHN()}
	t.Cleanup(w.cloud.Close)
	w.src = w.source(authtrip.WithTokenTransport(authotel.TokenTransport(nil, w.instrumented())))
	secret := w.cloud.Credentials().SecretAccessKey.Reveal()
	secrets := []string{secret}
	use := func() {
		ctx, span := w.span("request")
		defer span.End()
		_, _ = w.get(ctx, w.otelhttp(w.over(w.otelhttp(nil)), w.withTracers()))
	}
	token := func() {
		tok := w.mustToken()
		secrets = append(secrets, tok.AccessToken())
	}
	token()
	use()
	w.cloud.RevokeAll()
	use()
	token()
	// A server that repeats what it was sent, in answers of every kind.
	repeated := secret + " " + secrets[0] + " " + url.QueryEscape(secret)
	described, err := json.Marshal(map[string]string{"error": "invalid_client", "error_description": repeated})
	if err != nil {
		t.Fatal(err)
	}
	coded, err := json.Marshal(map[string]string{"error": secret})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []authtest.Fault{
		{Status: 401, Body: string(described)}, {Status: 400, Body: string(coded)}, {Status: 500, Body: string(described)},
		{Body: "<html>" + repeated}, {Body: repeated}, {Reset: true}, {Status: 503}, {Status: 429},
	} {
		// Each in a program of its own: what one said is remembered.
		w.src = w.source(authtrip.Policy{BreakerFailures: 2}, authtrip.WithTokenTransport(authotel.TokenTransport(nil, w.instrumented())))
		token()
		w.cloud.RevokeAll()
		w.cloud.Break(f)
		use()
		w.src.Invalidate(must(w.src.Token(context.Background())))
		use()
		use()
		w.cloud.Heal()
	}
	w.wantNone(secrets...)
	if n := len(w.named(tokenCall)); n < 16 {
		t.Errorf("%d token calls, and it was to be seen what they export", n)
	}
}

func must(tok authtrip.Token, _ error) authtrip.Token { return tok }

func TestNoSecretOfAUserIsExported(t *testing.T) {
	w := newTelemetry(t)
	live := authtest.NewPRISM()
	defer live.Close()
	wire := &queries{base: live.Transport()}
	src := w.prism(live, authtrip.WithTokenTransport(authotel.TokenTransport(wire, w.instrumented())))
	code := live.Code("user-42")
	ctx, span := w.span("request")
	if err := src.ExchangeCode(ctx, code, nil); err != nil {
		t.Fatal(err)
	}
	first := must(src.Token(ctx))
	src.Invalidate(first)
	second, err := src.Token(ctx) // by the refresh token
	if err != nil {
		t.Fatal(err)
	}
	live.Break(authtest.Fault{Reset: true})
	src.Invalidate(second)
	if _, err := src.Token(ctx); err == nil || errors.Is(err, authtrip.ErrAuthorizationRequired) {
		t.Fatalf("the caller got %v", err)
	}
	span.End()
	client := live.Client()
	w.wantNone(append(wire.refreshTokens(t), code, client.ClientSecret.Reveal(), first.AccessToken(), second.AccessToken(), "user-42")...)
}

// queries are those of the requests that were sent.
type queries struct {
	base http.RoundTripper
	mu   sync.Mutex
	all  []url.Values // guarded by mu
}

func (q *queries) RoundTrip(r *http.Request) (*http.Response, error) {
	q.mu.Lock()
	q.all = append(q.all, r.URL.Query())
	q.mu.Unlock()
	return q.base.RoundTrip(r)
}

func (q *queries) refreshTokens(t *testing.T) (all []string) {
	t.Helper()
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, v := range q.all {
		for name, values := range v {
			if strings.Contains(strings.ToLower(name), "refresh") {
				all = append(all, values...)
			}
		}
	}
	if len(all) == 0 {
		t.Fatalf("no refresh token was sent: %v", q.all)
	}
	return all
}
