package restyv3

import (
	"net/http"
	"reflect"
	"runtime"
	"testing"
	"weak"

	"github.com/authtrip/authtrip"
	"resty.dev/v3"
)

// TestClientsAreForgotten: programs make Resty clients by the thousand, and one
// middleware for all of them.
func TestClientsAreForgotten(t *testing.T) {
	src, err := authtrip.NewSource(authtrip.Registration{
		ID: "x", ClientID: "id", ClientSecret: authtrip.NewSecret("s"), TokenEndpoint: authtrip.Endpoint{URL: "https://auth.invalid/"},
		Origins: []string{"api.invalid"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = src.Close() }()
	attach := Attach(src)
	var clients []weak.Pointer[http.Client]
	for range 100 {
		client := resty.New().SetTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: http.NoBody, Request: r}, nil
		})).AddRequestMiddleware(attach)
		if err := Install(client, src); err != nil {
			t.Fatal(err)
		}
		if _, err := client.R().Get("https://elsewhere.invalid/"); err != nil {
			t.Fatal(err)
		}
		clients = append(clients, weak.Make(client.Client()))
	}
	known := func() (n int) {
		states.Lock()
		defer states.Unlock()
		for _, c := range clients {
			if states.of[c] != nil {
				n++
			}
		}
		return n
	}
	for range 100 {
		runtime.GC()
		if known() <= 1 { // the last may still be on the stack of this goroutine
			return
		}
		runtime.Gosched()
	}
	t.Error("clients that are gone are still known")
}

// TestInstallOverAttachIsInstallOnce: nothing piles up under the client.
func TestInstallOverAttachIsInstallOnce(t *testing.T) {
	src := new(authtrip.Source) // no request is sent
	client := resty.New()
	s := stateOf(client.Client())
	registered := func() int { return reflect.ValueOf(client).Elem().FieldByName("beforeRequest").Len() }
	before := registered()
	for range 3 {
		if _, err := s.attach(client, src); err != nil {
			t.Fatal(err)
		}
		if err := Install(client, src); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(s.socket.layers()); n != 2 {
		t.Errorf("%d layers, want the hooked one and the one over it", n)
	}
	if n := registered() - before; n != 1 {
		t.Errorf("%d middlewares, want 1", n)
	}
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
