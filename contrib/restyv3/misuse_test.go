package restyv3_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/contrib/restyv3"
	"resty.dev/v3"
)

func TestI12_MisuseIsRefusedWithWhatToDo(t *testing.T) {
	w := newWorld(t)
	mustSay(t, restyv3.Install(nil, w.src), "resty.New")
	mustSay(t, restyv3.Install(new(resty.Client), w.src), "resty.New")
	mustSay(t, restyv3.Install(resty.NewWithClient(nil), w.src), "no http.Client", "resty.New")
	mustSay(t, restyv3.Install(w.client, nil), "authtrip.NewSource")
	mustSay(t, restyv3.Install(w.client, (*authtrip.Source)(nil)), "authtrip.NewSource")
	mustSay(t, restyv3.Install(w.client, (*authtrip.Manager)(nil)), "authtrip.NewSource")
	mustSay(t, restyv3.Install(w.client, named{w.src, nil}), "cannot be told from another", "a pointer")
	mustSay(t, restyv3.Install(resty.NewWithClient(http.DefaultClient), w.src), "http.DefaultClient")
	restyv3.Uninstall(nil)
	restyv3.Uninstall(new(resty.Client))
	restyv3.Uninstall(resty.NewWithClient(nil))
	if _, err := w.client.HTTPTransport(); err != nil || http.DefaultClient.Transport != nil {
		t.Error("a refused Install changed the client")
	}

	for client, says := range map[*resty.Client]string{
		resty.New().AddRequestMiddleware(restyv3.Attach(nil)):                               "authtrip.NewSource",
		resty.NewWithClient(http.DefaultClient).AddRequestMiddleware(restyv3.Attach(w.src)): "http.DefaultClient",
		resty.NewWithClient(nil).AddRequestMiddleware(restyv3.Attach(w.src)):                "no http.Client",
		resty.New().AddRequestMiddleware(restyv3.Attach(named{w.src, []string{"a"}})):       "a pointer",
		resty.New().AddRequestMiddleware(restyv3.Attach(new(authtrip.Source))):              "NewSource",
	} {
		_, err := client.R().Get(w.cloud.APIURL)
		mustSay(t, err, says)
	}
}

// named is an Authorizer that cannot be compared.
type named struct {
	*authtrip.Source
	names []string
}

func TestASourceMayBeEmbedded(t *testing.T) {
	for _, way := range ways {
		w := newWorld(t)
		src := struct{ *authtrip.Source }{w.src}
		if way == "install" {
			must(t, restyv3.Install(w.client, src))
		} else {
			w.client.AddRequestMiddleware(restyv3.Attach(src))
		}
		w.mustGet(w.client.R(), "/v1/organizations")
		must(t, restyv3.Install(w.client, &named{w.src, nil}))
		w.mustGet(w.client.R(), "/v1/organizations")
	}
}

func TestI12_BreakerRefusesWhatItCannotGuard(t *testing.T) {
	w := newWorld(t)
	for cb, says := range map[resty.CircuitBreaker]string{
		nil:                               "resty.NewCircuitBreakerCount",
		(*resty.CircuitBreakerCount)(nil): "nil or zero",
		(*resty.CircuitBreakerRatio)(nil): "nil or zero",
		new(resty.CircuitBreakerCount):    "nil or zero",
		new(resty.CircuitBreakerRatio):    "nil or zero",
		own{}:                             "restyv3_test.own",
	} {
		got, err := restyv3.Breaker(cb, w.src)
		mustSay(t, err, says, "make one with resty.NewCircuitBreakerCount")
		if got != nil {
			t.Errorf("got a %T with the error", got)
		}
	}
	for _, src := range []*authtrip.Source{nil, new(authtrip.Source)} {
		_, err := restyv3.Breaker(resty.NewCircuitBreakerCount(1, 1, time.Second), src)
		mustSay(t, err, "authtrip.NewSource")
	}
	for _, make := range breakers {
		open := make()
		open.ApplyPolicies(&resty.Response{RawResponse: &http.Response{StatusCode: 503}})
		_, err := restyv3.Breaker(open, w.src)
		mustSay(t, err, "open already", "resty.NewCircuitBreakerCount")
	}
}

// own is a circuit breaker of the user's own.
type own struct{}

func (own) Allow() error                  { return nil }
func (own) ApplyPolicies(*resty.Response) {}
