package restyv3

import (
	"net/http"
	"runtime"
	"testing"

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
	}
	for range 100 {
		runtime.GC()
		states.Lock()
		n := len(states.of)
		states.Unlock()
		if n <= 1 { // the last may still be on the stack of this goroutine
			return
		}
		runtime.Gosched()
	}
	t.Error("clients that are gone are still known")
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
