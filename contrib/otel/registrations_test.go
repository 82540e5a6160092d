package authotel_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/authtrip/authtrip"
	authotel "github.com/authtrip/authtrip/contrib/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// tenants gets a token for each of a thousand registrations, and a second one.
func (w *telemetry) tenants() {
	w.t.Helper()
	issue := roundTripper(func(*http.Request) (*http.Response, error) {
		return reply(`{"access_token":"a-token","token_type":"Bearer","expires_in":3600}`), nil
	})
	registrations := make([]authtrip.Registration, 1000)
	for i := range registrations {
		registrations[i] = authtrip.Registration{
			ID: fmt.Sprintf("tenant-%d-%s", i, []string{"gold", "silver"}[i%2]), ClientID: "c", ClientSecret: authtrip.NewSecret("s"),
			TokenEndpoint: authtrip.Endpoint{URL: "https://auth.example.com/token"},
		}
	}
	mgr, err := authtrip.NewManager(registrations, authtrip.WithTokenTransport(issue), w.tel.Hooks())
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = mgr.Close() }()
	for _, r := range registrations {
		src, err := mgr.Source(r.ID)
		if err != nil {
			w.t.Fatal(err)
		}
		tok, err := src.Token(context.Background())
		if err != nil {
			w.t.Fatal(err)
		}
		src.Invalidate(tok)
		if _, err := src.Token(context.Background()); err != nil {
			w.t.Fatal(err)
		}
	}
}

func TestAThousandRegistrationsAreAThousandSeriesUnlessToldOtherwise(t *testing.T) {
	plan := func(id string) string { return id[strings.LastIndex(id, "-")+1:] }
	for name, c := range map[string]struct {
		options []authotel.Option
		waits   int
		left    int
		span    string
	}{
		"by ID":   {nil, 1000, 1000, "token call tenant-7-silver"},
		"by plan": {[]authotel.Option{authotel.WithRegistrationName(plan)}, 2, 2, "token call silver"},
		"without": {[]authotel.Option{authotel.WithRegistrationName(func(string) string { return "" })}, 1, 0, "token call"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTelemetry(t, c.options...)
			w.tenants()
			points := w.metric(waits).Data.(metricdata.Histogram[float64]).DataPoints
			if len(points) != c.waits {
				t.Errorf("%d series of waits, want %d", len(points), c.waits)
			}
			if got := len(w.collected(remaining)); got != c.left {
				t.Errorf("%d series of what is left, want %d", got, c.left)
			}
			if len(w.named(c.span)) == 0 {
				t.Errorf("no span is called %q", c.span)
			}
			if got := len(w.ints(circuitState)); got != 3 {
				t.Errorf("%d series of one circuit, want 3", got)
			}
			for _, p := range points {
				if c.waits == 1 && p.Attributes.HasValue("authtrip.registration") {
					t.Error("the registration shows")
				}
			}
			total := 0.0
			for _, n := range w.collected(tokenCalls) {
				total += n
			}
			if total != 2000 {
				t.Errorf("%v token calls were counted, want 2000", total)
			}
		})
	}
}

// The SDK puts what is beyond 2,000 series of an instrument into one: a thousand
// registrations have that many of token calls, and one more is too many.
func TestBeyondTheSDKsLimitSeriesRunTogether(t *testing.T) {
	w := newTelemetry(t)
	w.tenants()
	w.tel.Hooks().TokenCallDone(t.Context(), authtrip.TokenCall{Registration: "one more", Outcome: "issued"})
	overflow := attribute.NewSet(attribute.Bool("otel.metric.overflow", true))
	for _, p := range w.metric(tokenCalls).Data.(metricdata.Histogram[float64]).DataPoints {
		if p.Attributes.Equals(&overflow) {
			return
		}
	}
	t.Error("no series has otel.metric.overflow: the documentation is out of date")
}
