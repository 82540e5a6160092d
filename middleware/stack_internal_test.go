package middleware

import (
	"net/http"
	"reflect"
	"runtime"
	"sync"
	"testing"
	"weak"

	"github.com/authtrip/authtrip"
	"github.com/go-resty/resty/v2"
)

// TestClientsAreForgotten: programs make Resty clients by the thousand, and one
// hook for all of them.
func TestClientsAreForgotten(t *testing.T) {
	src, err := authtrip.NewSource(authtrip.Registration{
		ID: "x", ClientID: "id", ClientSecret: authtrip.NewSecret("s"), TokenEndpoint: authtrip.Endpoint{URL: "https://auth.invalid/"},
		Origins: []string{"api.invalid"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = src.Close() }()
	hook := BeforeRequest(src)
	var clients []weak.Pointer[http.Client]
	for range 100 {
		client := resty.New().SetTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: http.NoBody, Request: r}, nil
		})).OnBeforeRequest(hook)
		if err := Install(client, src); err != nil {
			t.Fatal(err)
		}
		if _, err := client.R().Get("https://elsewhere.invalid/"); err != nil {
			t.Fatal(err)
		}
		clients = append(clients, weak.Make(client.GetClient()))
	}
	known := func() (n int) {
		stacks.Lock()
		defer stacks.Unlock()
		for _, c := range clients {
			if stacks.of[c] != nil {
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

func TestInstallRegistersOneHookHoweverOftenItIsCalled(t *testing.T) {
	src, err := authtrip.NewSource(authtrip.Registration{
		ID: "x", ClientID: "id", ClientSecret: authtrip.NewSecret("s"), TokenEndpoint: authtrip.Endpoint{URL: "https://auth.invalid/"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = src.Close() }()
	client := resty.New()
	for range 10 {
		if err := Install(client, src); err != nil {
			t.Fatal(err)
		}
		Uninstall(client)
	}
	if n := reflect.ValueOf(client).Elem().FieldByName("udBeforeRequest").Len(); n != 1 {
		t.Errorf("%d hooks are registered, want 1", n)
	}
}

func TestFirstRequestsAtOncePutOneLayer(t *testing.T) {
	src := new(authtrip.Source)
	for range 2000 {
		client := resty.New()
		s := stackOf(client.GetClient())
		var all sync.WaitGroup
		begin := make(chan struct{})
		for range 4 {
			all.Go(func() {
				<-begin
				if _, err := s.hook(client.GetClient(), src); err != nil {
					t.Error(err)
				}
			})
		}
		close(begin)
		all.Wait()
		if len(s.layers) != 1 {
			t.Fatalf("%d layers, want 1", len(s.layers))
		}
	}
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
