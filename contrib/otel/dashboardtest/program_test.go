package dashboardtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	authotel "github.com/authtrip/authtrip/contrib/otel"
	"github.com/authtrip/authtrip/nhn"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
)

// program uses tokens and shows its metrics under an address.
type program struct {
	t       *testing.T
	cloud   *authtest.NHN
	meters  *sdkmetric.MeterProvider
	metrics string // the address
	clients []*tokens
}

// tokens is a Manager of the program's. A failure is remembered, so that each
// round of trouble takes another; their metrics are the same series.
type tokens struct {
	p        *program
	mgr      *authtrip.Manager
	tel      *authotel.Telemetry
	called   chan string // the registrations of token calls that have ended
	circuits chan string // what a circuit has changed to
}

func newProgram(t *testing.T) *program {
	t.Helper()
	registry := prometheus.NewRegistry()
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(registry))
	if err != nil {
		t.Fatal(err)
	}
	p := &program{t: t, cloud: authtest.NewNHN(), meters: sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter))}
	page := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true}))
	p.metrics = page.URL + "/metrics"
	t.Cleanup(p.cloud.Close)
	t.Cleanup(page.Close)
	t.Cleanup(func() { _ = p.meters.Shutdown(context.Background()) })
	for range rounds {
		p.clients = append(p.clients, p.tokens())
	}
	return p
}

func (p *program) tokens() *tokens {
	p.t.Helper()
	c := &tokens{p: p, called: make(chan string, 100), circuits: make(chan string, 100)}
	var err error
	if c.tel, err = authotel.New(authotel.WithMeterProvider(p.meters)); err != nil {
		p.t.Fatal(err)
	}
	registrations := make([]authtrip.Registration, 3)
	for i, id := range []string{"payments", "orders", "invoices"} {
		registrations[i] = nhn.Registration(p.cloud.Credentials(), p.cloud.Options()...)
		registrations[i].ID = id
	}
	c.mgr, err = authtrip.NewManager(registrations, c.tel.Hooks(), authtrip.Hooks{
		TokenCallDone:  func(_ context.Context, call authtrip.TokenCall) { c.called <- call.Registration },
		CircuitChanged: func(_, _, to string) { c.circuits <- to },
	}, authtrip.Policy{RenewAt: 1e-9, RenewSpread: 0.01, BreakerFailures: 2, BreakerDelay: time.Hour, BreakerMaxDelay: time.Hour})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _, _ = c.mgr.Close(), c.tel.Close() })
	return c
}

func (c *tokens) of(registration string) *authtrip.Source {
	c.p.t.Helper()
	src, err := c.mgr.Source(registration)
	if err != nil {
		c.p.t.Fatal(err)
	}
	return src
}

// token gets one, or an error, and waits until a call for it is over: a renewal
// is made behind.
func (c *tokens) token(registration string) error {
	c.p.t.Helper()
	_, err := c.of(registration).Token(context.Background())
	for c.next() != registration {
	}
	return err
}

func (c *tokens) next() string {
	c.p.t.Helper()
	select {
	case r := <-c.called:
		return r
	case <-time.After(10 * time.Second):
		c.p.t.Fatal("no token call ends")
		return ""
	}
}

// get sends a request and returns the status.
func (c *tokens) get(registration string, body io.Reader) int {
	c.p.t.Helper()
	req, err := http.NewRequest(http.MethodPost, c.p.cloud.APIURL+"/v1/things", body)
	if err != nil {
		c.p.t.Fatal(err)
	}
	res, err := (&authtrip.Transport{Source: c.of(registration)}).RoundTrip(req)
	if err != nil {
		c.p.t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

func (p *program) want(what string, ok bool) {
	p.t.Helper()
	if !ok {
		p.t.Fatalf("%s did not come about", what)
	}
}

// fine is a round in which all goes well: first tokens, one that is dropped, and
// one that is revoked, which nobody notices.
func (p *program) fine(c *tokens) {
	p.t.Helper()
	p.want("a token", c.token("payments") == nil && c.token("orders") == nil)
	p.cloud.RevokeAll()
	p.want("a replay", c.get("payments", nil) == http.StatusOK)
}

// calm brings what a program has at its start.
func (p *program) calm(c *tokens) {
	p.t.Helper()
	p.want("a token", c.token("payments") == nil)
}

// troubled is a round in which all goes wrong that can, with a Manager that was
// calm.
func (p *program) troubled(c *tokens) {
	p.t.Helper()
	p.cloud.Break(authtest.Fault{Status: 401, Body: `{"error":"invalid_client"}`})
	p.want("a renewal that fails behind a request", c.token("payments") == nil)
	p.want("a request without a token", c.token("orders") != nil)
	p.cloud.RevokeAll()
	p.want("a rejection that is handed on", c.get("payments", nil) == http.StatusUnauthorized)

	p.cloud.Break(authtest.Fault{Status: 503})
	err := c.token("invoices")
	p.want("a failed token call", err != nil)
	select {
	case to := <-c.circuits:
		p.want("an open circuit", to == "open")
	case <-time.After(10 * time.Second):
		p.t.Fatal("the circuit does not open")
	}
	p.cloud.Heal()

	// No test waits for so long, and the Store of this program works.
	for range 100 {
		c.tel.Hooks().Waited(context.Background(), "payments", 4*time.Second, nil)
	}
	c.tel.Hooks().StoreChanged(errors.New("down"))
	c.tel.Hooks().StoreFailed("payments", errors.New("down"))
	c.tel.Hooks().Undecided(context.Background(), "payments", errors.New("cut off"))
}

// crowded has more registrations than the SDK keeps series.
func (p *program) crowded(c *tokens) {
	for i := range 2001 {
		c.tel.Hooks().Rejected(context.Background(), fmt.Sprintf("tenant-%d", i), 401, true)
	}
}

// rounds is how many there are, each followed by a scrape.
const rounds = 4

// healthy is a Prometheus that watched a program in which all is well.
func healthy(t *testing.T) *server {
	t.Helper()
	p, s := newProgram(t), newServer(t)
	for _, c := range p.clients {
		p.fine(c)
		s.scrape(p.metrics)
	}
	return s
}

// ailing is one that watched a program which fell into trouble after a while.
func ailing(t *testing.T) *server {
	t.Helper()
	p, s := newProgram(t), newServer(t)
	p.cloud.SetLifetime(4 * time.Minute)
	for _, c := range p.clients {
		p.calm(c)
	}
	p.fine(p.tokens())
	s.scrape(p.metrics)
	s.now = s.now.Add(12 * time.Minute) // until its start is long ago
	for _, c := range p.clients {
		p.troubled(c)
		s.scrape(p.metrics)
	}
	p.crowded(p.clients[0])
	s.scrape(p.metrics)
	return s
}
