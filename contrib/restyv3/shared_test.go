package restyv3_test

import (
	"net/http"
	"testing"

	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/contrib/restyv3"
	"resty.dev/v3"
)

// Clients that share an http.Client, and what shares its transport.

// TestI12_ClonesAreRefusedToo: they share the http.Client, and its transport.
func TestI12_ClonesAreRefusedToo(t *testing.T) {
	for name, clone := range map[string]func(*world) *resty.Client{
		"made before, given to Install": func(w *world) *resty.Client {
			c := w.client.Clone(t.Context())
			must(t, restyv3.Install(w.client, w.src))
			must(t, restyv3.Install(c, w.src))
			return c
		},
		"made after": func(w *world) *resty.Client {
			must(t, restyv3.Install(w.client, w.src))
			return w.client.Clone(t.Context())
		},
		"another over the same http.Client": func(w *world) *resty.Client {
			must(t, restyv3.Install(w.client, w.src))
			c := resty.NewWithClient(w.client.Client()).SetBaseURL(w.cloud.APIURL).SetLogger(w.log)
			must(t, restyv3.Install(c, w.src))
			return c
		},
		"whose middlewares were replaced": func(w *world) *resty.Client {
			must(t, restyv3.Install(w.client, w.src))
			c := w.client.Clone(t.Context()).SetRequestMiddlewares(resty.MiddlewareRequestCreate)
			must(t, restyv3.Install(c, w.src))
			return c
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c := clone(w)
			w.mustGet(c.R(), "/v1/organizations")
			c.SetTransport(&http.Transport{})
			for _, client := range []*resty.Client{c, w.client} {
				_, err := client.R().Get("/v1/organizations")
				mustSay(t, err, "call Install again")
			}
			if c := w.cloud.Counts(); c.Rejected != 0 {
				t.Errorf("%d requests went without a token", c.Rejected)
			}
		})
	}
}

// TestInstallTakesNoMiddlewareFromAnOriginal: clones share a list that Resty
// writes to where it has room.
func TestInstallTakesNoMiddlewareFromAnOriginal(t *testing.T) {
	for room := range 5 {
		w := newWorld(t)
		calls := 0
		for range room {
			w.client.AddRequestMiddleware(func(*resty.Client, *resty.Request) error { calls++; return nil })
		}
		must(t, restyv3.Install(w.client, w.src))
		later := w.client.Clone(t.Context())
		must(t, restyv3.Install(later, w.src))
		w.mustGet(w.client.R(), "/v1/organizations")
		w.mustGet(later.R(), "/v1/organizations")
		if calls != 2*room {
			t.Errorf("%d calls of %d middlewares in two requests", calls, room)
		}
		w.client.SetTransport(&http.Transport{})
		for _, client := range []*resty.Client{w.client, later} {
			_, err := client.R().Get("/v1/organizations")
			mustSay(t, err, "call Install again")
		}
	}
}

// changes are what may become of a client after Install.
var changes = map[string]func(*world){
	"SetTransport": func(w *world) { w.client.SetTransport(&http.Transport{}) },
	"Install again": func(w *world) {
		w.client.SetTransport(&http.Transport{})
		must(w.t, restyv3.Install(w.client, w.src))
	},
	"Uninstall": func(w *world) { restyv3.Uninstall(w.client) },
	"Uninstall and Install": func(w *world) {
		restyv3.Uninstall(w.client)
		must(w.t, restyv3.Install(w.client, w.src))
	},
}

// TestI12_ACopyOfTheHTTPClientKeepsItsTokens whatever becomes of the client.
func TestI12_ACopyOfTheHTTPClientKeepsItsTokens(t *testing.T) {
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			must(t, restyv3.Install(w.client, w.src))
			copied := *w.client.Client()
			change(w)
			w.token()
			w.cloud.RevokeAll()
			res, err := copied.Get(w.cloud.APIURL + "/v1/organizations")
			must(t, err)
			_ = res.Body.Close()
			if res.StatusCode != 200 {
				t.Errorf("status %d, want 200", res.StatusCode)
			}
		})
	}
}

// TestI12_AnEventSourceKeepsItsTokens whatever becomes of the client.
func TestI12_AnEventSourceKeepsItsTokens(t *testing.T) {
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, authtest.API(http.HandlerFunc(hello)))
			must(t, restyv3.Install(w.client, w.src))
			messages := 0
			events := w.events(w.client.Transport(), &messages)
			w.mustListen(events)
			change(w)
			w.cloud.RevokeAll()
			w.mustListen(events)
			if c := w.cloud.Counts(); messages != 2 || c.TokenCalls != 2 {
				t.Errorf("%d messages, %+v; want 2, and 2 token calls", messages, c)
			}
		})
	}
}

// TestRestyTakesAMiddlewareFromEarlierClones is why clones are better made after
// Install.
func TestRestyTakesAMiddlewareFromEarlierClones(t *testing.T) {
	w := newWorld(t)
	nothing := func(*resty.Client, *resty.Request) error { return nil }
	w.client.AddRequestMiddleware(nothing).AddRequestMiddleware(nothing) // the list has room for one more
	clone := w.client.Clone(t.Context())
	w.client.AddRequestMiddleware(nothing)
	defer func() {
		if recover() == nil {
			t.Error("the clone has all its middlewares")
		}
	}()
	_, _ = clone.R().Get("/v1/organizations") // whose http.Request nothing made
}
